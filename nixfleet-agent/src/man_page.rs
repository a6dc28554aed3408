//! Man pages: what the argument parser knows, and the sections that it does not.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::arguments::notes;
use crate::outcome::EXIT_CODES;

/// The pages of the command and of its subcommands that are not hidden: file name and content.
pub(crate) fn all(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    // `nixfleet help` is a way to these pages, not a page.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let subcommands: Vec<Command> =
        shown(&command).flat_map(|it| std::iter::once(it).chain(shown(it))).cloned().collect();
    std::iter::once(command).chain(subcommands).map(|command| page(&command)).collect()
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set())
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    let version = command.get_version().unwrap_or(env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone());
    let name = command.get_display_name().unwrap_or(command.get_name());
    let is_top = command.get_name() == "nixfleet";
    let mut page = Vec::new();
    // Without a date, so that the same source gives the same page. The library leaves an empty date out, and what follows
    // it takes its place.
    writeln!(page, ".TH {name} 1 \"\" \"nixfleet {version}\" \"nixfleet\"")?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let codes = EXIT_CODES.map(|(code, meaning)| (code.to_string(), meaning));
    list("EXIT STATUS", codes.iter().map(|(code, meaning)| (code.as_str(), *meaning)), &mut page)?;
    if is_top {
        let pages: Vec<_> = shown(command).map(|it| (format!("nixfleet-{}(1)", it.get_name()), about(it))).collect();
        list("SEE ALSO", pages.iter().map(|(page, about)| (page.as_str(), about.as_str())), &mut page)?;
    } else {
        list("FILES", notes::FILES, &mut page)?;
        list("ENVIRONMENT", notes::ENVIRONMENT, &mut page)?;
        list("EXAMPLES", notes::examples(command.get_name()).iter().copied(), &mut page)?;
        list("SEE ALSO", [("nixfleet(1)", "the command as a whole")], &mut page)?;
    }
    Ok((man.get_filename(), page))
}

/// A section of terms, each with its meaning.
fn list<'a>(
    heading: &str,
    terms: impl IntoIterator<Item = (&'a str, &'a str)>,
    page: &mut impl Write,
) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    for (term, meaning) in terms {
        roff.control("TP", []).text([bold(term)]).text([roman(meaning)]);
    }
    roff.to_writer(page)
}

//! Man pages: what the argument parser knows, and the sections that it does not.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::arguments::notes;
use crate::outcome::EXIT_CODES;

/// The pages of the command and of its subcommands that are not hidden, at any depth: file name and content.
pub(crate) fn all(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    // `nixfleet help` is a way to these pages, not a page.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    pages.push(page(command)?);
    shown(command).try_for_each(|subcommand| add(subcommand, pages))
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set() && subcommand.get_name() != "help")
}

/// `nixfleet-fleet-status` of `nixfleet fleet status`.
fn name_of(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// The library takes an option that the short help leaves out for one without a text, unless it has a long one.
fn with_long_help(command: Command) -> Command {
    command.mut_args(|argument| match (argument.get_long_help(), argument.get_help().cloned()) {
        (None, Some(help)) => argument.long_help(help),
        _ => argument,
    })
}

fn page(command: &Command) -> io::Result<(String, Vec<u8>)> {
    let version = command.get_version().unwrap_or(env!("CARGO_PKG_VERSION"));
    let man = Man::new(with_long_help(command.clone()));
    let name = name_of(command);
    let has_subcommands = shown(command).next().is_some();
    let is_top = command.get_name() == "nixfleet";
    let mut page = Vec::new();
    // Without a date, so that the same source gives the same page. The library leaves an empty date out, and what follows
    // it takes its place.
    writeln!(page, ".TH {name} 1 \"\" \"nixfleet {version}\" \"nixfleet\"")?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if has_subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    let codes = EXIT_CODES.map(|(code, meaning)| (code.to_string(), meaning));
    list("EXIT STATUS", codes.iter().map(|(code, meaning)| (code.as_str(), *meaning)), &mut page)?;
    if !is_top {
        list("FILES", notes::FILES, &mut page)?;
        list("ENVIRONMENT", notes::ENVIRONMENT, &mut page)?;
        let key = name.strip_prefix("nixfleet-").unwrap_or(name);
        list("EXAMPLES", notes::examples(key).iter().copied(), &mut page)?;
    }
    let mut others: Vec<_> = shown(command).map(|it| (format!("{}(1)", name_of(it)), about(it))).collect();
    if !is_top {
        others.push(("nixfleet(1)".to_owned(), "the command as a whole".to_owned()));
    }
    list("SEE ALSO", others.iter().map(|(page, about)| (page.as_str(), about.as_str())), &mut page)?;
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

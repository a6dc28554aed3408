//! Shell completions and man pages, made from the arguments' definitions.

use std::io::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory as _};

use crate::arguments::Arguments;
use crate::{CommandError, Outcome, man_page};

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Outcome, CommandError> {
    // Not straight to standard output: the generator panics where that is closed early.
    let mut script = Vec::new();
    let mut command = Arguments::command();
    command.build();
    clap_complete::generate(shell, &mut shown(&command), "nixfleet", &mut script);
    let mut output = std::io::stdout().lock();
    output.write_all(&script)?;
    output.flush()?;
    Ok(Outcome::Done)
}

/// What is not hidden of a command that is built: the library offers hidden options, too.
fn shown(command: &Command) -> Command {
    let options = command.get_arguments().filter(|option| !option.is_hide_set());
    let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    // The library takes names that live as long as the process, which ends with the script.
    let name: &'static str = command.get_name().to_owned().leak();
    Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        // They are among the others by now.
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args(options.map(|option| option.clone().global(false)))
        .subcommands(subcommands.map(shown))
}

pub(crate) fn man_pages(directory: &Path) -> Result<Outcome, CommandError> {
    for (name, page) in man_page::all(Arguments::command())? {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(|source| CommandError::Generate { path, source })?;
    }
    Ok(Outcome::Done)
}

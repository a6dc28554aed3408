//! Shell completions and man pages, made from the arguments' definitions.

use std::io::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::{CommandError, Outcome, man_page};

pub(crate) fn completions(shell: Shell) -> Result<Outcome, CommandError> {
    // Not straight to standard output: the generator panics where that is closed early.
    let mut script = Vec::new();
    let mut command = Arguments::command();
    command.build();
    let mut shown = shown(&command);
    clap_complete::generate(shell, &mut shown, "nixfleet", &mut script);
    if shell == Shell::Fish {
        script.extend(fish_positionals(&shown).into_bytes());
    }
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
        .args(options.map(|option| with_hint(option.clone().global(false))))
        .subcommands(subcommands.map(shown))
}

/// No file is offered where none is meant. Paths are known by their type.
fn with_hint(option: Arg) -> Arg {
    let of = |name: &str| option.get_value_names().is_some_and(|names| names.iter().any(|it| it.as_str() == name));
    match option.get_value_hint() {
        ValueHint::Unknown if of("USER@NAME") => option.value_hint(ValueHint::Hostname),
        ValueHint::Unknown if option.get_action().takes_values() => option.value_hint(ValueHint::Other),
        _ => option,
    }
}

/// The library leaves out what is no option: fish would offer files in its place. It offers them after options that take
/// one all the same.
fn fish_positionals(command: &Command) -> String {
    let mut lines = "complete -c nixfleet -f\n".to_owned();
    for subcommand in command.get_subcommands() {
        for positional in subcommand.get_positionals() {
            let values = positional.get_possible_values();
            let names: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
            if !names.is_empty() {
                let condition = format!("__fish_nixfleet_using_subcommand {}", subcommand.get_name());
                let names = names.join(" ");
                lines.extend(["complete -c nixfleet -n \"", &condition, "\" -a \"", &names, "\"\n"]);
            }
        }
    }
    lines
}

pub(crate) fn man_pages(directory: &Path) -> Result<Outcome, CommandError> {
    for (name, page) in man_page::all(Arguments::command())? {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(|source| CommandError::Generate { path, source })?;
    }
    Ok(Outcome::Done)
}

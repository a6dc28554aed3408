//! Shell completions and man pages, made from the arguments' definitions.

use std::path::Path;

use clap::CommandFactory as _;

use crate::arguments::Arguments;
use crate::{CommandError, Outcome};

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Outcome, CommandError> {
    // Not straight to standard output: the generator panics where that is closed early.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "nixfleet", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script)?;
    Ok(Outcome::Done)
}

pub(crate) fn man_pages(directory: &Path) -> Result<Outcome, CommandError> {
    clap_mangen::generate_to(Arguments::command(), directory)
        .map_err(|source| CommandError::Generate { path: directory.to_owned(), source })?;
    Ok(Outcome::Done)
}

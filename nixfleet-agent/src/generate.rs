//! Shell completions and man pages, made from the arguments' definitions.

use std::io::Write as _;
use std::path::Path;

use clap::CommandFactory as _;

use crate::arguments::Arguments;
use crate::{CommandError, Outcome, man_page};

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Outcome, CommandError> {
    // Not straight to standard output: the generator panics where that is closed early.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "nixfleet", &mut script);
    let mut output = std::io::stdout().lock();
    output.write_all(&script)?;
    output.flush()?;
    Ok(Outcome::Done)
}

pub(crate) fn man_pages(directory: &Path) -> Result<Outcome, CommandError> {
    for (name, page) in man_page::all(Arguments::command())? {
        let path = directory.join(name);
        std::fs::write(&path, page).map_err(|source| CommandError::Generate { path, source })?;
    }
    Ok(Outcome::Done)
}

//! `nixfleet pr`: pull requests with a new `flake.lock`, looked at, merged and taken back by a person.
//!
//! It needs no nixfleet on the machine: with `--repo PATH` the remote of any checkout is meant. What changes something is
//! shown first, asked for, and recorded in the audit log.

mod ask;
mod audit;
mod error;
mod fleet;
mod hosts;
mod inputs;
mod list;
mod merge;
mod objections;
mod place;
mod push;
mod revert;
mod review;
mod show;
mod token;
mod who;

pub use error::PrError;

use crate::arguments::PrCommand;
use crate::{CommandError, Outcome};

/// Does what was asked for.
pub(crate) fn run(command: &PrCommand) -> Result<Outcome, CommandError> {
    match command {
        PrCommand::List(arguments) => list::list(arguments),
        PrCommand::Show(arguments) => show::show(arguments),
        PrCommand::Merge(arguments) => merge::merge(arguments),
        PrCommand::Revert(arguments) => revert::revert(arguments),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, PrError>>) -> Result<T, PrError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(PrError::Start)?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

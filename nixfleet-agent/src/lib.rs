//! The `nixfleet` command: what a person at a terminal, or a script, asks nixfleet.
//!
//! The library exists for the tests and for the generated shell completions and man pages; its items are no interface.

pub mod arguments;
mod daemon;
mod error;
mod generate;
mod man_page;
mod operate;
pub mod outcome;
mod pr;
mod printable;
mod progress;
mod pull_requests;
mod remote;
mod status;
pub mod steps;

use std::process::ExitCode;

use arguments::{Arguments, Command};
pub use error::CommandError;
use nixfleet_core::observation::Operation;
pub use operate::OperateError;
pub use outcome::Outcome;
pub use pr::PrError;

/// Runs the command and says how it ended; errors are already told on standard error.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    arguments.color.write_global();
    let outcome = match &arguments.command {
        Command::Status(arguments) => status::run(arguments),
        Command::Pull(arguments) => operate::run(Operation::Pull, None, arguments),
        Command::Switch(arguments) => operate::run(Operation::Switch, None, arguments),
        Command::Test(arguments) => operate::run(Operation::Test, None, arguments),
        Command::Rollback(arguments) => operate::run(Operation::Rollback, arguments.to, &arguments.operation),
        Command::Cancel(arguments) => operate::cancel(arguments.operation.map(Into::into)).map_err(Into::into),
        Command::Logs(arguments) => operate::logs(arguments).map_err(Into::into),
        Command::Generations(arguments) => operate::generations(arguments),
        Command::Hold(arguments) => operate::hold(arguments),
        Command::Release(arguments) => operate::release(arguments),
        Command::Pr { command } => pr::run(command),
        Command::Completions { shell } => generate::completions(*shell),
        Command::ManPages { directory } => generate::man_pages(directory),
    };
    outcome
        .unwrap_or_else(|error| {
            anstream::eprintln!("nixfleet: {}", printable::printable(&error.to_string()));
            Outcome::Failed
        })
        .into()
}

//! The `nixfleet` command: what a person at a terminal, or a script, asks nixfleet.
//!
//! The library exists for the tests and for the generated shell completions and man pages; its items are no interface.

pub mod arguments;
mod daemon;
mod error;
mod generate;
mod man_page;
pub mod outcome;
mod printable;
mod remote;
mod status;
pub mod steps;

use std::process::ExitCode;

use arguments::{Arguments, Command};
pub use error::CommandError;
pub use outcome::Outcome;

/// Runs the command and says how it ended; errors are already told on standard error.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    arguments.color.write_global();
    let outcome = match &arguments.command {
        Command::Status(arguments) => status::run(arguments),
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

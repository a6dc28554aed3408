//! The `nixfleet` command: what a person at a terminal, or a script, asks nixfleet.
//!
//! The library exists for the tests and for the generated shell completions and man pages; its items are no interface.

pub mod arguments;
mod daemon;
mod error;
mod fleet;
mod generate;
mod github_asking;
mod man_page;
mod operate;
pub mod outcome;
mod pr;
mod printable;
mod progress;
mod pull_requests;
mod question;
mod recorded_operations;
mod remote;
mod ssh;
mod standard_output;
mod status;
pub mod steps;
mod target;

use std::process::ExitCode;

use arguments::{Arguments, Command};
pub use error::CommandError;
pub use fleet::{
    FilterError, FleetError, HostsFileError, LabelFilter, LabelOrder, PrometheusError, RevisionFilter, StateFilter,
    WaveSizes,
};
use nixfleet_core::observation::Operation;
pub use operate::OperateError;
use operate::Order;
pub use outcome::Outcome;
pub use pr::PrError;
pub use ssh::{DestinationError, SshDestination, SshError};

/// Runs the command and says how it ended; errors are already told on standard error.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    arguments.color.write_global();
    if let Err(error) = arguments.check() {
        // A standard error that is closed leaves nobody to tell.
        let _ = error.print();
        return ExitCode::from(2);
    }
    let host = arguments.host.as_ref();
    let outcome = match &arguments.command {
        Command::Status(arguments) => status::run(arguments, host),
        Command::Pull(arguments) => operate::run(Order::of(Operation::Pull), arguments, host),
        Command::Switch(arguments) => operate::run(Order::of(Operation::Switch), arguments, host),
        Command::Test(arguments) => operate::run(Order::of(Operation::Test), arguments, host),
        Command::Rollback(arguments) => {
            let order = Order { generation: arguments.to, ..Order::of(Operation::Rollback) };
            operate::run(order, &arguments.operation, host)
        }
        Command::Cancel(arguments) => operate::cancel(arguments, host),
        Command::Logs(arguments) => operate::logs(arguments, host).map_err(Into::into),
        Command::Generations(arguments) => operate::generations(arguments, host),
        Command::Hold(arguments) => operate::hold(arguments, host),
        Command::Release(arguments) => operate::release(arguments, host),
        Command::Fleet(arguments) => fleet::run(arguments),
        Command::Pr { command } => pr::run(command),
        Command::Completions { shell } => generate::completions(*shell),
        Command::ManPages { directory } => generate::man_pages(directory),
    };
    outcome
        .unwrap_or_else(|error| {
            anstream::eprintln!("nixfleet: {}", printable::printable(&error.to_string()));
            match error {
                CommandError::Operate(OperateError::Interrupted(_)) => Outcome::Detached,
                _ => Outcome::Failed,
            }
        })
        .into()
}

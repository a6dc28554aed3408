//! `nixfleet fleet`: many hosts at once. Prometheus, a file or the command line says which; they are moved over ssh, each by
//! its own systemd, as one host is.
//!
//! Nothing is remembered of a rollout: which hosts still need what is seen in their states, so the same command goes on
//! where the last one ended.

mod error;
mod host;
mod known;
mod majority;
mod parallel;
mod prometheus;
mod reach;
mod rollout;
mod selection;
mod source;
mod stop;
mod survey;
mod table;
mod view;

pub use error::FleetError;
pub(crate) use host::FleetHost;
pub use prometheus::PrometheusError;
pub(crate) use prometheus::{Access, Client, look};
pub use rollout::{LabelOrder, WaveSizes};
pub use selection::{FilterError, LabelFilter, RevisionFilter, StateFilter};
pub use source::HostsFileError;

use crate::arguments::{FleetArguments, FleetCommand};
use crate::{CommandError, Outcome};
use rollout::{Movement, Pace};

/// Looks at a fleet, or moves it.
pub(crate) fn run(arguments: &FleetArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        FleetCommand::Status(arguments) => view::run(arguments),
        FleetCommand::Pull(arguments) => rollout::run(Movement::Pull, arguments, &Pace::AtOnce),
        FleetCommand::Test(arguments) => rollout::run(Movement::Test, arguments, &Pace::AtOnce),
        FleetCommand::Rollback(arguments) => {
            if !arguments.all && known::selection(&arguments.operation.fleet).is_everything() {
                return Err(FleetError::RollbackOfAll.into());
            }
            rollout::run(Movement::Rollback, &arguments.operation, &Pace::AtOnce)
        }
        FleetCommand::Switch(arguments) => rollout::run(Movement::Switch, &arguments.operation, &Pace::of(arguments)),
        FleetCommand::Update(arguments) => rollout::run(Movement::Update, &arguments.operation, &Pace::of(arguments)),
    }
}

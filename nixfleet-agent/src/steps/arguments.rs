//! The command line of `nixfleet-agent`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use nixfleet_core::observation::Operation;

/// The agent of a host, and the steps of its operations. Units of systemd run both: `systemctl start nixfleet-switch`.
#[derive(Debug, Parser)]
#[command(name = "nixfleet-agent", version, max_term_width = 100)]
pub struct Arguments {
    /// The configuration of this host
    #[arg(long, value_name = "FILE", default_value = "/etc/nixfleet/config.json")]
    pub config: PathBuf,
    /// Where the state of this host lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/nixfleet")]
    pub state_directory: PathBuf,
    /// Where the state until the next boot lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/nixfleet")]
    pub runtime_directory: PathBuf,
    /// The unit that this runs in: %n in its file. Default: nixfleet-agent.service, or that of the step's operation
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub step: Step,
}

impl Arguments {
    /// The unit that this runs in.
    pub(crate) fn unit(&self) -> String {
        let of = |operation: Operation| format!("nixfleet-{operation}.service");
        self.unit.clone().unwrap_or_else(|| match self.step {
            Step::Run => "nixfleet-agent.service".to_owned(),
            Step::Pull => of(Operation::Pull),
            Step::Build | Step::Activate { .. } | Step::FallBack => of(Operation::Switch),
            Step::Test => of(Operation::Test),
            Step::Rollback { .. } => of(Operation::Rollback),
            Step::Record { operation } => of(operation.into()),
        })
    }
}

/// The agent, or one step.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Step {
    /// Run the agent: look at the remote, start operations as the policy says, give signs of life
    Run,
    /// Fetch the tracked branch and bring the checkout forward
    Pull,
    /// Evaluate and build the checkout's commit
    Build,
    /// Activate what was built; as root
    Activate {
        /// What to do with it
        #[arg(long, value_enum, default_value = "switch")]
        action: Action,
    },
    /// Go back to the previous system where the switch ended before it was confirmed; as root (`ExecStopPost=`)
    FallBack,
    /// Run the host's tests
    Test,
    /// Go back to the previous generation, or to the one named; as root
    Rollback {
        /// The generation's number
        generation: Option<u64>,
    },
    /// Write how the operation ended, from what systemd says (`ExecStopPost=`)
    Record {
        /// The operation
        operation: RecordedOperation,
    },
}

/// What to do with a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Action {
    /// Activate it now, and boot it from now on.
    Switch,
    /// Boot it from the next time on.
    Boot,
    /// Activate it now, until the next boot.
    Test,
}

impl Action {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Boot => "boot",
            Self::Test => "test",
        }
    }
}

/// An operation whose end is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordedOperation {
    /// A pull.
    Pull,
    /// A switch.
    Switch,
    /// A test run.
    Test,
    /// A rollback.
    Rollback,
}

impl From<RecordedOperation> for Operation {
    fn from(operation: RecordedOperation) -> Self {
        match operation {
            RecordedOperation::Pull => Self::Pull,
            RecordedOperation::Switch => Self::Switch,
            RecordedOperation::Test => Self::Test,
            RecordedOperation::Rollback => Self::Rollback,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}

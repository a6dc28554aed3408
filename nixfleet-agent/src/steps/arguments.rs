//! The command line of `nixfleet-agent`.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use nixfleet_core::observation::Operation;

use crate::arguments::number::whole_number;

/// The agent of a host, and the steps of its operations. Units of systemd run both: `systemctl start nixfleet-switch`.
#[derive(Debug, Parser)]
#[command(name = "nixfleet-agent", version, max_term_width = 100)]
pub struct Arguments {
    /// The configuration of this host
    #[arg(long, value_name = "FILE", default_value = "/etc/nixfleet/config.json", global = true)]
    pub config: PathBuf,
    /// Where the state of this host lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/nixfleet", global = true)]
    pub state_directory: PathBuf,
    /// Where the state until the next boot lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/nixfleet", global = true)]
    pub runtime_directory: PathBuf,
    /// The unit that this runs in: %n in its file. Default: nixfleet-agent.service, or that of the step's operation
    #[arg(long, value_name = "UNIT", global = true)]
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
            Step::Run | Step::CheckConfig | Step::Look { .. } => "nixfleet-agent.service".to_owned(),
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
    /// Say whether the configuration (--config FILE) is valid, and nothing else
    CheckConfig,
    /// What the agent starts for each of its looks: a question on standard input, the answer on standard output
    #[command(hide = true)]
    Look {
        /// At what
        at: Look,
    },
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
        #[arg(value_parser = whole_number::<u64>)]
        generation: Option<u64>,
    },
    /// Write how the operation ended, from what systemd says (`ExecStopPost=`)
    Record {
        /// The operation
        operation: RecordedOperation,
    },
}

/// What the agent looks at in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Look {
    /// The remote: the answer is recorded.
    Remote,
    /// GitHub's pull requests: the answer is recorded.
    PullRequests,
    /// This host: what is to be done next.
    Host,
}

impl Look {
    /// As on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Remote => "remote",
            Self::PullRequests => "pull-requests",
            Self::Host => "host",
        }
    }
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

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn a_look_is_named_as_it_is_read() {
        for look in Look::value_variants() {
            assert_eq!(Look::from_str(look.name(), false).as_ref(), Ok(look));
        }
    }
}

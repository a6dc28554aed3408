//! Arguments of `nixfleet pull`, `switch`, `test`, `rollback` and of what goes with them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::number::whole_number;
use super::{DEFAULT_CONFIG, HostArguments};
use crate::steps::RecordedOperation;

/// Where the host's files lie.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "This host")]
pub struct Places {
    /// The configuration of this host
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG, hide_short_help = true)]
    pub config: PathBuf,
    /// Where the state of this host lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/nixfleet", hide_short_help = true)]
    pub state_directory: PathBuf,
    /// Where the state until the next boot lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/nixfleet", hide_short_help = true)]
    pub runtime_directory: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            config: DEFAULT_CONFIG.into(),
            state_directory: "/var/lib/nixfleet".into(),
            runtime_directory: "/run/nixfleet".into(),
        }
    }
}

impl Places {
    /// As `nixfleet` of another host takes them.
    pub(crate) fn as_arguments(&self) -> Vec<String> {
        let named = |option: &str, path: &Path| format!("--{option}={}", path.display());
        vec![
            named("config", &self.config),
            named("state-directory", &self.state_directory),
            named("runtime-directory", &self.runtime_directory),
        ]
    }

    pub(crate) fn as_host(&self) -> HostArguments {
        HostArguments {
            config: self.config.clone(),
            state_directory: self.state_directory.clone(),
            runtime_directory: self.runtime_directory.clone(),
            root: PathBuf::from("/"),
        }
    }
}

/// How an operation is started and told of.
#[derive(Debug, Args)]
pub struct OperationArguments {
    /// Start it and return at once
    #[arg(long)]
    pub no_wait: bool,
    /// Print one JSON object when it is over; what it writes still goes to standard error
    #[arg(long)]
    pub json: bool,
    /// Where its files lie.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `nixfleet rollback`.
#[derive(Debug, Args)]
pub struct RollbackArguments {
    /// Go to this generation, see `nixfleet generations` [default: the previous one]
    #[arg(long, value_name = "N", value_parser = whole_number::<u64>, allow_negative_numbers = true)]
    pub to: Option<u64>,
    /// As for the others.
    #[command(flatten)]
    pub operation: OperationArguments,
}

/// Arguments of `nixfleet cancel`.
#[derive(Debug, Args)]
pub struct CancelArguments {
    /// The operation: pull, switch, test or rollback [default: whatever runs]
    #[arg(value_enum, value_name = "OPERATION", hide_possible_values = true)]
    pub operation: Option<RecordedOperation>,
    /// Print one JSON object: the units that were stopped
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `nixfleet logs`.
#[derive(Debug, Args)]
pub struct LogsArguments {
    /// The operation: pull, switch, test or rollback
    #[arg(value_enum, value_name = "OPERATION", hide_possible_values = true)]
    pub operation: RecordedOperation,
    /// Show new lines as they come, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// Print one JSON object a line, as `journalctl --output=json` does
    #[arg(long)]
    pub json: bool,
    /// Where its files lie.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `nixfleet generations`.
#[derive(Debug, Args)]
pub struct GenerationsArguments {
    /// Print JSON: an array of objects
    #[arg(long)]
    pub json: bool,
    /// Look for the running system below this directory
    #[arg(long, value_name = "DIRECTORY", default_value = "/", hide_short_help = true)]
    pub root: PathBuf,
}

/// Arguments of `nixfleet hold` and `nixfleet release`.
#[derive(Debug, Args)]
pub struct HoldArguments {
    /// The commit: all digits of its id, or the first four or more of one that the checkout has
    #[arg(value_name = "REVISION")]
    pub revision: String,
    /// Print one JSON object: the commit, and whether it is held now
    #[arg(long)]
    pub json: bool,
    /// Where its files lie.
    #[command(flatten)]
    pub places: Places,
}

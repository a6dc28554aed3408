//! Arguments of `nixfleet status`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nixfleet_core::model::State;

use super::notes;
use super::number::{A_DAY_SECONDS, within};

/// Where a host's configuration lies unless `--config` names another file.
pub const DEFAULT_CONFIG: &str = "/etc/nixfleet/config.json";

/// Arguments of `nixfleet status`.
#[derive(Debug, Args)]
#[command(after_long_help = notes::of("status"))]
pub struct StatusArguments {
    /// Print JSON: one object, with --watch one object a line
    #[arg(long)]
    pub json: bool,
    /// Show again every so many seconds until interrupted [default: 2]
    ///
    /// On a terminal: takes the whole screen; q or Ctrl-C ends it, the space bar shows the present state at once. With
    /// --repo the remote is asked in the background, so the table stays alive while a slow remote is waited for.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = within(1_u64..=A_DAY_SECONDS))]
    pub watch: Option<u64>,
    /// End with exit code 3 or 4 if a compartment is in this state or a worse one
    ///
    /// Unknown (gray) and working (blue) never count.
    #[arg(long, value_name = "STATE", value_enum, conflicts_with = "watch")]
    pub fail_on: Option<FailOn>,
    /// Arguments for a repository.
    #[command(flatten)]
    pub repository: RepositoryArguments,
    /// Arguments for this host.
    #[command(flatten)]
    pub host: HostArguments,
}

/// Which repository to look at, and how its remote is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "A repository")]
pub struct RepositoryArguments {
    /// Look at this Git repository instead of at this host
    #[arg(long = "repo", id = "repo", value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// The branch of the remote to compare with [default: the checkout's upstream branch]
    #[arg(long, value_name = "BRANCH", requires = "repo")]
    pub branch: Option<String>,
    /// The remote to compare with [default: the checkout's upstream]
    #[arg(long, value_name = "URL", requires = "repo")]
    pub url: Option<String>,
    /// A file with the token or password for an https remote
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub token_file: Option<PathBuf>,
    /// The user name that goes with the token [default: x-access-token]
    #[arg(long, value_name = "NAME", requires = "token_file")]
    pub username: Option<String>,
    /// A file with the private key for an ssh remote [default: as OpenSSH is configured]
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub ssh_key_file: Option<PathBuf>,
    /// A file with the trusted host keys for an ssh remote [default: as OpenSSH is configured]
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub known_hosts_file: Option<PathBuf>,
    /// Give up on the remote after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "repo", value_parser = within(1_u64..=A_DAY_SECONDS))]
    pub timeout: u64,
    /// With --watch: ask the remote again so many seconds after its last answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires_all = ["repo", "watch"], value_parser = within(1_u64..=A_DAY_SECONDS))]
    pub check_interval: u64,
}

/// Where this host's evidence lies.
#[derive(Debug, Args)]
#[command(next_help_heading = "This host")]
pub struct HostArguments {
    /// The configuration of this host
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG, conflicts_with = "repo")]
    pub config: PathBuf,
    /// Where the state of this host lies
    #[arg(
        long,
        value_name = "DIRECTORY",
        default_value = "/var/lib/nixfleet",
        conflicts_with = "repo",
        hide_short_help = true
    )]
    pub state_directory: PathBuf,
    /// Where the state until the next boot lies
    #[arg(
        long,
        value_name = "DIRECTORY",
        default_value = "/run/nixfleet",
        conflicts_with = "repo",
        hide_short_help = true
    )]
    pub runtime_directory: PathBuf,
    /// Look for the running system below this directory
    #[arg(long, value_name = "DIRECTORY", default_value = "/", conflicts_with = "repo", hide_short_help = true)]
    pub root: PathBuf,
}

/// The mildest state that `--fail-on` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Outdated or in error.
    Outdated,
    /// In error.
    Error,
}

impl From<FailOn> for State {
    fn from(threshold: FailOn) -> Self {
        match threshold {
            FailOn::Outdated => Self::Outdated,
            FailOn::Error => Self::Error,
        }
    }
}

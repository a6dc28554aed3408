//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use nixfleet_core::model::State;

use crate::outcome::EXIT_CODES;

/// Shows how far NixOS hosts are from what their configuration repository asks for.
///
/// Five compartments tell where a host stands: Agent, Git, Lock, System, Tests. Each is ok (green), outdated (yellow),
/// error (red), working (blue) or unknown (gray).
#[derive(Debug, Parser)]
#[command(name = "nixfleet", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// When to use colours: on a terminal only, always, or never. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_enum)]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the five compartments of this host, or of a repository
    Status(Box<StatusArguments>),
    /// Print the completion script for a shell
    #[command(hide = true)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages to a directory
    #[command(hide = true)]
    ManPages {
        /// The directory; it must exist.
        directory: PathBuf,
    },
}

/// Arguments of `nixfleet status`.
#[derive(Debug, Args)]
#[command(
    long_about = "Show the five compartments of this host, or of a repository.\n\n\
        Without --repo: reads what the agent and systemd recorded on this host. Nothing is changed and nobody is asked \
        over the network.\n\n\
        With --repo: looks at any flake repository, without a daemon, root or NixOS. Git and Lock are compared with the \
        remote, which is asked now; the other three are gray. The repository is never written to: what has to be \
        fetched for the comparison is kept in the cache directory.",
    after_long_help = concat!(
        "Examples:\n",
        "  nixfleet status                               this host\n",
        "  nixfleet status --repo ~/nixos                a checkout, against its upstream branch\n",
        "  nixfleet status --repo . --fail-on outdated   in a script: exit code 3 if an update is due\n",
        "  nixfleet status --json | jq .compartments.git.reason\n\n",
        "Exit codes:\n",
        "  0  done\n",
        "  1  it could not be done; the reason is on standard error\n",
        "  2  wrong usage\n",
        "  3  --fail-on outdated: a compartment is outdated, none is in error\n",
        "  4  --fail-on outdated, --fail-on error: a compartment is in error",
    )
)]
pub struct StatusArguments {
    /// Look at this Git repository instead of at this host
    #[arg(long, value_name = "PATH")]
    pub repo: Option<PathBuf>,
    /// The branch of the remote to compare with [default: the checkout's upstream branch]
    #[arg(long, value_name = "BRANCH", requires = "repo")]
    pub branch: Option<String>,
    /// The remote to compare with [default: the checkout's upstream]
    #[arg(long, value_name = "URL", requires = "repo")]
    pub url: Option<String>,
    /// A file with the token for an https remote
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub token_file: Option<PathBuf>,
    /// A file with the private key for an ssh remote [default: as OpenSSH is configured]
    #[arg(long, value_name = "FILE", requires = "repo")]
    pub ssh_key_file: Option<PathBuf>,
    /// Give up on the remote after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "repo", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Print JSON: one object, with --watch one object a line
    #[arg(long)]
    pub json: bool,
    /// Show again every so many seconds until interrupted [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub watch: Option<u64>,
    /// With --watch and --repo: ask the remote every so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub check_interval: u64,
    /// End with exit code 3 or 4 if a compartment is in this state or a worse one
    #[arg(long, value_name = "STATE", value_enum, conflicts_with = "watch")]
    pub fail_on: Option<FailOn>,
    /// The configuration of this host
    #[arg(long, value_name = "FILE", default_value = "/etc/nixfleet/config.json", conflicts_with = "repo")]
    pub config: PathBuf,
    /// Where the state of this host lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/nixfleet", conflicts_with = "repo")]
    pub state_directory: PathBuf,
    /// Where the state until the next boot lies
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/nixfleet", conflicts_with = "repo")]
    pub runtime_directory: PathBuf,
    /// Look for the running system below this directory
    #[arg(long, value_name = "DIRECTORY", default_value = "/", conflicts_with = "repo")]
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

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal only.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    pub(crate) fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
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

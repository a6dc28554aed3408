//! The command line.

mod fleet;
pub mod notes;
pub(crate) mod number;
mod operate;
mod pr;
mod pr_prometheus;
mod status;

use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::ssh::SshDestination;
pub use fleet::{
    FleetArguments, FleetCommand, FleetHostsArguments, FleetOperationArguments, FleetRollbackArguments,
    FleetStatusArguments, FleetSwitchArguments, PrometheusArguments,
};
pub use operate::{
    CancelArguments, GenerationsArguments, HoldArguments, LogsArguments, OperationArguments, Places, RollbackArguments,
};
pub use pr::{
    Method, Permissions, PrCommand, PrListArguments, PrMergeArguments, PrPlaceArguments, PrRevertArguments,
    PrShowArguments,
};
pub use pr_prometheus::PrPrometheusArguments;
pub use status::{DEFAULT_CONFIG, FailOn, HostArguments, RepositoryArguments, StatusArguments};

/// Shows how far NixOS hosts are from what their configuration repository asks for.
///
/// Five compartments tell where a host stands: Agent, Git, Lock, System, Tests. Each is ok (green), outdated (yellow),
/// error (red), working (blue) or unknown (gray).
#[derive(Debug, Parser)]
#[command(name = "nixfleet", version, after_long_help = notes::exit_codes(), max_term_width = 100)]
pub struct Arguments {
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_enum)]
    pub color: Color,
    /// Do it on another host, over ssh: name, user@name or user@name:port
    ///
    /// For everything that looks at a host or moves it. Uses OpenSSH with your keys and its configuration; never asks for a
    /// password. The host needs nixfleet, and the user there the rights that a user of that host needs.
    #[arg(long, global = true, value_name = "USER@NAME")]
    pub host: Option<SshDestination>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the five compartments of this host, or of a repository
    #[command(long_about = notes::ABOUT_STATUS)]
    Status(Box<StatusArguments>),
    /// Bring the tracked branch to the local repository, and follow it
    #[command(long_about = notes::ABOUT_PULL, after_long_help = notes::of("pull"))]
    Pull(OperationArguments),
    /// Build the repository's commit and activate it, and follow it
    #[command(long_about = notes::ABOUT_SWITCH, after_long_help = notes::of("switch"))]
    Switch(OperationArguments),
    /// Run this host's tests, and follow them
    #[command(long_about = notes::ABOUT_TEST, after_long_help = notes::of("test"))]
    Test(OperationArguments),
    /// Go back to the previous generation, or to another one, and follow it
    #[command(long_about = notes::ABOUT_ROLLBACK, after_long_help = notes::of("rollback"))]
    Rollback(RollbackArguments),
    /// Stop the operation that runs
    #[command(long_about = notes::ABOUT_CANCEL, after_long_help = notes::of("cancel"))]
    Cancel(CancelArguments),
    /// Show what the last run of an operation wrote
    #[command(long_about = notes::ABOUT_LOGS, after_long_help = notes::of("logs"))]
    Logs(LogsArguments),
    /// List the generations of this host
    #[command(long_about = notes::ABOUT_GENERATIONS, after_long_help = notes::of("generations"))]
    Generations(GenerationsArguments),
    /// Hold a commit: the agent does not deploy it
    #[command(long_about = notes::ABOUT_HOLD, after_long_help = notes::of("hold"))]
    Hold(HoldArguments),
    /// Allow a held commit again
    #[command(long_about = notes::ABOUT_RELEASE, after_long_help = notes::of("release"))]
    Release(HoldArguments),
    /// Look at many hosts, and move them wave after wave
    #[command(long_about = notes::ABOUT_FLEET, after_long_help = notes::of("fleet"), arg = no_host())]
    Fleet(FleetArguments),
    /// Look at, merge and take back pull requests that update flake.lock
    #[command(long_about = notes::ABOUT_PR, after_long_help = notes::of("pr"), arg = no_host())]
    Pr {
        /// What to do with them.
        #[command(subcommand)]
        command: PrCommand,
    },
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

/// `--host` where it does not go with the command: known, to be refused with a sentence, and not in its help.
fn no_host() -> Arg {
    let parser = clap::value_parser!(SshDestination);
    Arg::new("host").long("host").value_name("USER@NAME").value_parser(parser).global(true).hide(true)
}

impl Arguments {
    /// Refuses what each option alone does not tell: `--host` where there is no host to look at.
    pub(crate) fn check(&self) -> Result<(), clap::Error> {
        let is_usual = |root: &Path| root == Path::new("/");
        let refused = match &self.command {
            Command::Completions { .. } | Command::ManPages { .. } => "it concerns no host",
            Command::Pr { .. } => "it acts from this machine: --repo PATH names a checkout here",
            Command::Fleet(_) => "name the hosts behind `nixfleet fleet`",
            Command::Status(arguments) if arguments.repository.path.is_some() => {
                "--repo looks at a repository of this host"
            }
            Command::Status(arguments) if !is_usual(&arguments.host.root) => {
                "--root looks below a directory of this host"
            }
            _ => return Ok(()),
        };
        if self.host.is_none() {
            return Ok(());
        }
        Err(Self::command().error(ErrorKind::ArgumentConflict, format!("--host does not go with this: {refused}")))
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal only, as the environment asks (see [`notes::ENVIRONMENT`]).
    #[value(help = "On a terminal only; NO_COLOR and CLICOLOR_FORCE are honoured")]
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
    use clap::{CommandFactory as _, Parser as _};

    use super::Arguments;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_does_not_go_together_is_wrong_usage() {
        for (line, accepted) in [
            ("status", true),
            ("status --watch", true),
            ("status --watch 5 --json", true),
            ("status --watch=5", true),
            ("status --watch --json", true),
            ("status --watch 0", false),
            ("status --watch --fail-on error", false),
            ("status --repo . --timeout 5", true),
            ("status --timeout 5", false),
            ("status --repo . --config x", false),
            ("status --repo . --watch --check-interval 5", true),
            ("status --repo . --check-interval 5", false),
            ("status --repo . --username u", false),
            ("status --repo . --username u --token-file t", true),
            ("status --repo . --known-hosts-file k", true),
            ("status elsewhere", false),
            ("pull", true),
            ("pull --no-wait --json", true),
            ("pull --to 3", false),
            ("switch --json", true),
            ("switch elsewhere", false),
            ("test --no-wait", true),
            ("rollback", true),
            ("rollback --to 41 --json", true),
            ("rollback --to -1", false),
            ("rollback --to previous", false),
            ("rollback 41", false),
            ("cancel", true),
            ("cancel switch", true),
            ("cancel agent", false),
            ("logs", false),
            ("logs pull", true),
            ("logs --follow rollback", true),
            ("logs status", false),
            ("generations --json", true),
            ("hold", false),
            ("hold a1b2c3d", true),
            ("release a1b2c3d", true),
            ("release a1b2c3d e4f5a6b", false),
            ("--host root@web1 pull", true),
            ("pull --host web1", true),
            ("status --host web1 --watch", true),
            ("status --host web1 --repo .", false),
            ("--host web1 completions bash", false),
            ("--host -oProxyCommand=x pull", false),
            ("--host=-oProxyCommand=x pull", false),
            ("--host web1;id pull", false),
            ("fleet", false),
            ("fleet status", true),
            ("fleet status web1 web2 --hosts web3,web4 --state git=outdated --label rack=a --off-majority", true),
            ("fleet status --state soul=ok", false),
            ("fleet status --label rack", false),
            ("fleet status --username me", false),
            ("fleet status --watch --fail-on error", false),
            ("--host web1 fleet status", false),
            ("fleet --host web1 status", false),
            ("fleet status --host web1", false),
            ("fleet pull --yes --parallel 0", false),
            ("fleet pull --wave-size 2", false),
            ("fleet switch --wave-size 1,4 --order stage=canary,production --max-failures 2 --dry-run", true),
            ("fleet switch --wave-size 0", false),
            ("fleet status --revision a1b2", true),
            ("fleet status --revision xyz", false),
            ("fleet rollback web1 --yes --json", true),
            ("fleet rollback --all", true),
            ("fleet update --logs -y", true),
            ("pr", false),
            ("pr list --repo . --json", true),
            ("pr show 7", true),
            ("pr show", false),
            ("pr show seven", false),
            ("pr merge 7 --yes --method squash --allow-failed-checks", true),
            ("pr merge 7 --method octopus", false),
            ("pr merge --yes", false),
            ("--host web1 pr list", false),
            ("pr --host web1 list", false),
            ("pr list --host web1", false),
            ("pr revert 7", true),
            ("pr revert", false),
            ("pr revert 7 --push", false),
            ("pr revert 7 --push --repo .", true),
            ("pr revert --commit a1b2c3d", false),
            ("pr revert --commit a1b2c3d --push --repo .", true),
            ("pr revert 7 --commit a1b2c3d --push --repo .", false),
        ] {
            let arguments = std::iter::once("nixfleet").chain(line.split(' '));
            let parsed = Arguments::try_parse_from(arguments).and_then(|parsed| parsed.check());
            assert_eq!(parsed.is_ok(), accepted, "{line}");
        }
    }
}

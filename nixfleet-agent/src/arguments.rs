//! The command line.

pub mod notes;
mod status;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

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
        ] {
            let arguments = std::iter::once("nixfleet").chain(line.split(' '));
            assert_eq!(Arguments::try_parse_from(arguments).is_ok(), accepted, "{line}");
        }
    }
}

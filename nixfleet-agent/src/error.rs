//! What can go wrong in the command itself.

use std::path::PathBuf;

/// Why a command could not be done; shown to people as it is.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no configuration, and no repository was named.
    #[error(
        "this host is not set up for nixfleet: {path} does not exist; enable services.nixfleet, or look at a repository with `nixfleet status --repo PATH`"
    )]
    NotSetUp {
        /// Where the configuration was looked for.
        path: PathBuf,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] nixfleet_core::config::ConfigError),
    /// The repository cannot be read.
    #[error("{0}")]
    Repository(String),
    /// There is nowhere to keep what is fetched for the comparison.
    #[error("there is no cache directory to keep the remote's commits in: set HOME or XDG_CACHE_HOME")]
    NoCacheDirectory,
    /// An operation cannot be started, followed or cancelled.
    #[error(transparent)]
    Operate(#[from] crate::operate::OperateError),
    /// Another host cannot be asked.
    #[error(transparent)]
    Ssh(#[from] crate::ssh::SshError),
    /// A fleet cannot be looked at or moved.
    #[error(transparent)]
    Fleet(#[from] crate::fleet::FleetError),
    /// A pull request cannot be looked at, merged or reverted.
    #[error(transparent)]
    Pr(#[from] crate::pr::PrError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
    /// The system refused a thread.
    #[error("cannot start a thread: {0}; check the limit of tasks (`ulimit -u`)")]
    Thread(#[source] std::io::Error),
    /// The terminal cannot be used for `--watch`.
    #[error("cannot use the terminal: {0}; try `nixfleet status --watch | cat`")]
    Terminal(#[source] std::io::Error),
    /// A file to generate cannot be written.
    #[error("cannot write {path}: {source}; name a directory that exists and that you may write to")]
    Generate {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

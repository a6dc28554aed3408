//! Why a fleet cannot be looked at or moved.

use super::prometheus::PrometheusError;
use super::source::HostsFileError;

/// Why a fleet cannot be looked at or moved; shown to people as it is.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Nobody said which hosts there are.
    #[error("which hosts? Name a Prometheus (--prometheus URL), a file (--hosts-file FILE), or the hosts themselves")]
    NoSource,
    /// Prometheus does not tell.
    #[error("{0} (hosts can also be named with --hosts-file)")]
    Prometheus(#[from] PrometheusError),
    /// The hosts file cannot be used.
    #[error(transparent)]
    HostsFile(#[from] HostsFileError),
    /// There is no such host.
    #[error("no host is called {0}: `nixfleet fleet status` lists those that there are")]
    UnknownHosts(String),
    /// The filters leave none.
    #[error("none of {0} hosts is meant by these filters: nothing to do")]
    NoneSelected(usize),
    /// Nobody can be asked.
    #[error("this moves hosts, and nobody is there to be asked: add --yes, or --dry-run to see what would be done")]
    NobodyToAsk,
    /// The system refuses to tell of signals.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
}

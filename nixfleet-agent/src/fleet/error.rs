//! Why a fleet cannot be looked at or moved.

use super::prometheus::PrometheusError;
use super::source::HostsFileError;

/// Why a fleet cannot be looked at or moved; shown to people as it is.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Nobody said which hosts there are.
    #[error(
        "which hosts? Name a Prometheus (--prometheus URL), a file (--hosts-file FILE), or the hosts themselves; NIXFLEET_PROMETHEUS_URL names a Prometheus for good"
    )]
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
    /// Every host would go back, which nobody has said.
    #[error("roll back which hosts? Name them, choose them (--revision REVISION), or say --all")]
    RollbackOfAll,
    /// Not one host answers.
    #[error("{} could be reached or asked: nothing was done; {} above", none_of(*.0), if *.0 == 1 { "the reason is" } else { "the reasons are" })]
    NoneReached(usize),
    /// The answer was no.
    #[error("nothing was done")]
    NotWanted,
    /// Nobody can be asked.
    #[error("this moves hosts, and nobody is there to be asked: add --yes, or --dry-run to see what would be done")]
    NobodyToAsk,
    /// The system refuses to tell of signals.
    #[error("cannot listen to signals: {0}")]
    Signals(#[source] std::io::Error),
}

fn none_of(hosts: usize) -> String {
    if hosts == 1 { "no host".to_owned() } else { format!("none of {hosts} hosts") }
}

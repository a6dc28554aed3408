//! The observer that the arguments ask for.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::{self, ConfigError};
use nixfleet_core::git::{self, Credentials, RepositoryError};
use nixfleet_core::observation::Observation;
use nixfleet_core::observe::{HostObserver, RepositoryObserver, RepositoryOptions, cache_directory};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};

use crate::Observe;
use crate::arguments::{Arguments, HostArguments, RepositoryArguments};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why there is nothing to observe.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    /// The host's configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// There is nowhere to keep what is fetched for the comparison.
    #[error("there is no cache directory to keep the remote's commits in: set CACHE_DIRECTORY, XDG_CACHE_HOME or HOME")]
    NoCacheDirectory,
    /// The system refused a thread.
    #[error("cannot start the thread that asks the remote: {0}; check this service's limit of tasks")]
    Thread(#[source] std::io::Error),
}

/// The observer of the host, or of the one repository, that the arguments name.
pub fn observer(arguments: &Arguments) -> Result<Arc<dyn Observe>, ObserverError> {
    match &arguments.repository.path {
        Some(path) => Ok(repository_observer(path, &arguments.repository)?),
        None => Ok(Arc::new(host_observer(&arguments.host, arguments.web.collect_timeout)?)),
    }
}

/// Its three sources are read one after the other: each has a third of the time, but for some that is left to tell of them.
fn host_observer(arguments: &HostArguments, collect_timeout: Duration) -> Result<HostObserver, ObserverError> {
    let config = config::read(&arguments.config)?;
    // The repository belongs to the agent's user, or to the one that the configuration names; here it is only read.
    git::allow_foreign_owner();
    let state = StateDirectory::new(&arguments.state_directory);
    let runtime = RuntimeDirectory::new(&arguments.runtime_directory);
    let observer = HostObserver::new(config, state, runtime, &arguments.root, VERSION);
    Ok(observer.with_limit(collect_timeout * 3 / 10))
}

/// Where no agent asks the remote, a thread of the exporter does.
fn repository_observer(path: &Path, arguments: &RepositoryArguments) -> Result<Arc<RepositoryObserver>, ObserverError> {
    let options = RepositoryOptions {
        url: arguments.url.clone(),
        branch: arguments.branch.clone(),
        credentials: Credentials {
            token_file: arguments.token_file.clone(),
            username: arguments.username.clone(),
            ssh_key_file: arguments.ssh_key_file.clone(),
            known_hosts_file: arguments.known_hosts_file.clone(),
        },
        cache_directory: cache_directory().ok_or(ObserverError::NoCacheDirectory)?,
        ..RepositoryOptions::default()
    };
    let check_interval = arguments.check_interval;
    let observer = Arc::new(RepositoryObserver::open(path, options, VERSION)?);
    if let Some(sentence) = RepositoryObserver::observe(&observer).repository.error() {
        // A mistyped path shows only gray otherwise; what is mounted later is served all the same.
        tracing::warn!("{sentence}");
    }
    let checked = Arc::clone(&observer);
    thread::Builder::new()
        .name("remote".to_owned())
        .spawn(move || {
            loop {
                checked.check_remote(Timestamp::now());
                thread::sleep(check_interval);
            }
        })
        .map_err(ObserverError::Thread)?;
    Ok(observer)
}

impl Observe for HostObserver {
    fn observe(&self) -> Observation {
        Self::observe(self, Timestamp::now())
    }
}

impl Observe for RepositoryObserver {
    fn observe(&self) -> Observation {
        Self::observe(self)
    }
}

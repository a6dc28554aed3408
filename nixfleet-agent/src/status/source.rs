//! Where the status comes from: this host, another one, or one repository.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config;
use nixfleet_core::git::{self, Credentials, Timeouts};
use nixfleet_core::infer;
use nixfleet_core::model::HostStatus;
use nixfleet_core::observation::{InferenceSettings, Observation, Reading};
use nixfleet_core::observe::{HostObserver, RepositoryObserver, RepositoryOptions, cache_directory};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};

use super::there::There;
use crate::CommandError;
use crate::arguments::{DEFAULT_CONFIG, HostArguments, StatusArguments};
use crate::progress::with_progress;
use crate::ssh::SshDestination;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) enum Source {
    Host(Box<HostObserver>),
    Repository(Arc<RepositoryObserver>),
    There(Box<There>),
}

impl Source {
    pub(super) fn open(arguments: &StatusArguments, host: Option<&SshDestination>) -> Result<Self, CommandError> {
        match (&arguments.repository.path, host) {
            (Some(path), _) => open_repository(path, arguments),
            (None, Some(host)) => Ok(Self::There(Box::new(There::reach(host, &arguments.host)?))),
            (None, None) => open_host(&arguments.host),
        }
    }

    /// The states now.
    pub(super) fn status(&mut self) -> Result<HostStatus, CommandError> {
        match self {
            Self::Host(observer) => Ok(infer(&observer.observe(Timestamp::now()), Timestamp::now())),
            Self::Repository(observer) => Ok(infer(&observed(observer)?, Timestamp::now())),
            Self::There(there) => there.status(),
        }
    }

    /// Asks the remote of a repository. On a host that is the agent's work: here its answer is read.
    pub(super) fn check_remote(&self) {
        let Self::Repository(observer) = self else { return };
        let Some(url) = observer.remote_url() else { return };
        with_progress(&format!("reading {url}"), || observer.check_remote(Timestamp::now()));
    }
}

fn observed(observer: &RepositoryObserver) -> Result<Observation, CommandError> {
    let observation = observer.observe();
    match &observation.repository {
        Reading::Unreadable(sentence) => Err(CommandError::Repository(sentence.clone())),
        Reading::Present(_) | Reading::Absent | Reading::NotObserved => Ok(observation),
    }
}

pub(super) fn open_host(arguments: &HostArguments) -> Result<Source, CommandError> {
    let missing = std::fs::symlink_metadata(&arguments.config).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    if missing && arguments.config == Path::new(DEFAULT_CONFIG) {
        return Err(CommandError::NotSetUp { path: arguments.config.clone() });
    }
    let config = config::read(&arguments.config)?;
    // The repository belongs to the user nixfleet, or to the one that the configuration names.
    git::allow_foreign_owner();
    Ok(Source::Host(Box::new(
        HostObserver::new(
            config,
            StateDirectory::new(&arguments.state_directory),
            RuntimeDirectory::new(&arguments.runtime_directory),
            &arguments.root,
            VERSION,
        )
        .with_limit(Duration::from_secs(10)),
    )))
}

fn open_repository(path: &Path, arguments: &StatusArguments) -> Result<Source, CommandError> {
    let asked = &arguments.repository;
    let total = Duration::from_secs(asked.timeout);
    let defaults = InferenceSettings::default();
    let settings = InferenceSettings {
        // Whoever looks once asks now: nobody tries again before the answer is read.
        remote_grace_tries: if arguments.watch.is_some() { defaults.remote_grace_tries } else { 1 },
        remote_grace: if arguments.watch.is_some() { defaults.remote_grace } else { Duration::ZERO },
        ..defaults
    };
    let options = RepositoryOptions {
        url: asked.url.clone(),
        branch: asked.branch.clone(),
        credentials: Credentials {
            token_file: asked.token_file.clone(),
            ssh_key_file: asked.ssh_key_file.clone(),
            username: asked.username.clone(),
            known_hosts_file: asked.known_hosts_file.clone(),
        },
        timeouts: Timeouts { connect: total, idle: total, total },
        settings,
        cache_directory: cache_directory().ok_or(CommandError::NoCacheDirectory)?,
        ..RepositoryOptions::default()
    };
    RepositoryObserver::open(path, options, VERSION)
        .map(|observer| Source::Repository(Arc::new(observer)))
        .map_err(|error| CommandError::Repository(error.to_string()))
}

//! One flake repository, without a daemon, root or NixOS: Git and Lock are real, the rest is not observed.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::local::LocalPart;
use super::timed::Timed;
use crate::Sha256;
use crate::git::{self, Credentials, RemoteSource, RemoteStore, RepositoryError, Timeouts};
use crate::observation::{
    AgentObservation, InferenceSettings, Observation, OperationHistory, PullRequestStatus, Reading, RemoteAttempt,
    RemoteStatus, SystemObservation, TestsSetup,
};
use crate::state_directory::StateDirectory;

/// How a repository is compared with its remote.
#[derive(Debug, Clone)]
pub struct RepositoryOptions {
    /// The remote; by default the upstream of the checkout's branch.
    pub url: Option<String>,
    /// The branch; by default the upstream of the checkout's branch.
    pub branch: Option<String>,
    /// Who we are at the remote.
    pub credentials: Credentials,
    /// How long a look at the remote may take.
    pub timeouts: Timeouts,
    /// When failures count.
    pub settings: InferenceSettings,
    /// Where to keep what is fetched for the comparison; the repository itself is never written to.
    pub cache_directory: PathBuf,
    /// How long reading the local repository may take. Default: 30 seconds.
    pub local_limit: Duration,
}

impl Default for RepositoryOptions {
    fn default() -> Self {
        Self {
            url: None,
            branch: None,
            credentials: Credentials::default(),
            timeouts: Timeouts::default(),
            settings: InferenceSettings::default(),
            cache_directory: PathBuf::new(),
            local_limit: Duration::from_secs(30),
        }
    }
}

/// Observes one repository.
#[derive(Debug)]
pub struct RepositoryObserver {
    path: PathBuf,
    settings: InferenceSettings,
    observer_version: String,
    remote: Option<TrackedBranch>,
    status: Mutex<RemoteStatus>,
    local: Timed<LocalPart>,
    local_limit: Duration,
}

#[derive(Debug)]
struct TrackedBranch {
    source: RemoteSource,
    store: RemoteStore,
    cache: StateDirectory,
}

impl RepositoryObserver {
    /// Takes in the repository that `path` is or lies in. `observer_version` is the version of the program that asks.
    ///
    /// Nothing is asked over the network before [`RepositoryObserver::check_remote`].
    pub fn open(path: &Path, options: RepositoryOptions, observer_version: &str) -> Result<Self, RepositoryError> {
        let tracked = git::tracked_remote(path)?;
        let url = options.url.clone().or_else(|| tracked.as_ref().map(|tracked| tracked.url.clone()));
        // The checkout's upstream branch says nothing about another remote.
        let tracked_branch = tracked.filter(|_| options.url.is_none()).and_then(|tracked| tracked.branch);
        let branch = options.branch.or(tracked_branch);
        let mut status = RemoteStatus {
            url: url.as_deref().map(git::redact_url),
            branch: branch.clone(),
            last_good: None,
            last_attempt: None,
            problem: None,
        };
        let remote = url.map(|url| {
            let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let identity = format!("{}\n{}", git::redact_url(&url), absolute.display());
            let directory = options.cache_directory.join(Sha256::of(identity.as_bytes()).to_string());
            let cache = StateDirectory::new(directory);
            let source = RemoteSource { url, branch, credentials: options.credentials, timeouts: options.timeouts };
            TrackedBranch { source, store: RemoteStore::new(cache.remote_repository_path()), cache }
        });
        // It is a cache: what cannot be read is fetched again.
        let last_good = remote.as_ref().and_then(|remote| remote.cache.read_remote().ok().flatten());
        status.last_good = last_good.filter(|commit| commit.is_of(status.url.as_deref(), status.branch.as_deref()));
        Ok(Self {
            path: path.to_owned(),
            settings: options.settings,
            observer_version: observer_version.to_owned(),
            remote,
            status: Mutex::new(status),
            local: Timed::new(),
            local_limit: options.local_limit,
        })
    }

    /// The remote's address without credentials, where there is one.
    #[must_use]
    pub fn remote_url(&self) -> Option<String> {
        self.remote.as_ref().map(|remote| git::redact_url(&remote.source.url))
    }

    /// Asks the remote, within the limits of the options. A failure is kept, and shows in the next observation.
    pub fn check_remote(&self, now: Timestamp) {
        let Some(remote) = &self.remote else { return };
        let previous = self.lock_status().last_good.clone();
        let answer = remote.store.observe(&remote.source, previous.as_ref(), Some(&self.path), now);
        let mut status = self.lock_status();
        status.last_attempt = Some(match answer {
            Ok(commit) => {
                if let Err(error) = remote.cache.write_remote(&commit) {
                    tracing::warn!(%error, "the remote's answer is not kept for the next time");
                }
                status.last_good = Some(commit);
                RemoteAttempt::succeeded(status.last_attempt.as_ref(), now)
            }
            Err(error) => RemoteAttempt::failed(status.last_attempt.as_ref(), now, error.to_string()),
        });
    }

    /// What is known now. Reads the local repository, asks nobody over the network.
    #[must_use]
    pub fn observe(&self) -> Observation {
        let status = self.lock_status().clone();
        let store = self.remote.as_ref().map(|remote| remote.store.clone());
        let (path, tip) = (self.path.clone(), status.last_good.clone());
        let local = self
            .local
            .within(self.local_limit, move || LocalPart::read(&path, store.as_ref(), tip.as_ref()))
            .unwrap_or_else(|error| LocalPart::unreadable(&format!("the repository {error}")))
            .must_be_there(&self.path);
        let root = local.repository.present().map_or(&self.path, |repository| &repository.path);
        Observation {
            host: root.display().to_string(),
            settings: self.settings.clone(),
            agent: AgentObservation {
                heartbeat: Reading::NotObserved,
                pinned_revision: None,
                observer_version: self.observer_version.clone(),
            },
            repository: local.repository,
            local_lock: local.lock,
            remote: status,
            divergence: local.divergence,
            pull_requests: PullRequestStatus::default(),
            system: SystemObservation::not_observed(),
            operations: OperationHistory::default(),
            tests: TestsSetup::NotObserved,
            last_test_run: None,
            tests_problem: None,
            state_directory_problem: None,
        }
    }

    fn lock_status(&self) -> std::sync::MutexGuard<'_, RemoteStatus> {
        // The status is replaced as a whole: a panic elsewhere leaves a usable one.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A whole host: its repository, its state directory, its running system.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::local::LocalPart;
use super::tests_directory::look_for_tests;
use super::timed::Timed;
use crate::Revision;
use crate::config::HostConfig;
use crate::git::{self, RemoteStore};
use crate::observation::{
    AgentHeartbeat, AgentObservation, Observation, OperationHistory, PullRequestStatus, Reading, RemoteAttempt,
    RemoteCommit, RemoteStatus, SystemObservation, TestRun, TestsSetup,
};
use crate::state_directory::{FoldContext, RuntimeDirectory, StateDirectory};
use crate::system::SystemRoot;

/// Observes this host, or a copy of one below another root.
#[derive(Debug)]
pub struct HostObserver {
    places: Arc<Places>,
    limit: Duration,
    state: Timed<StatePart>,
    local: Timed<(LocalPart, TestsSetup)>,
    system: Timed<SystemObservation>,
}

#[derive(Debug)]
struct Places {
    config: HostConfig,
    state: StateDirectory,
    runtime: RuntimeDirectory,
    root: PathBuf,
    observer_version: String,
}

/// What lies in the state and the runtime directory.
#[derive(Debug)]
struct StatePart {
    heartbeat: Reading<AgentHeartbeat>,
    remote: Reading<RemoteCommit>,
    attempt: Reading<RemoteAttempt>,
    pull_requests: PullRequestStatus,
    operations: OperationHistory,
    last_test_run: Option<TestRun>,
    tests_problem: Option<String>,
    directory_problem: Option<String>,
}

impl HostObserver {
    /// Observes the host that `config` describes. `root` is `/`, or where a copy of a running system lies;
    /// `observer_version` the version of the program that asks.
    ///
    /// The repository usually belongs to another user: a program that may read it anyway calls
    /// [`git::allow_foreign_owner`] first.
    #[must_use]
    pub fn new(
        config: HostConfig,
        state: StateDirectory,
        runtime: RuntimeDirectory,
        root: &Path,
        observer_version: &str,
    ) -> Self {
        Self {
            places: Arc::new(Places {
                config,
                state,
                runtime,
                root: root.to_owned(),
                observer_version: observer_version.to_owned(),
            }),
            limit: Duration::from_millis(1_500),
            state: Timed::new(),
            local: Timed::new(),
            system: Timed::new(),
        }
    }

    /// With another limit for each of the three sources (state directory, repository, system). Default: 1.5 seconds.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Reads all sources. One that cannot be read, or does not answer in time, is a value in the observation.
    #[must_use]
    pub fn observe(&self, now: Timestamp) -> Observation {
        let places = Arc::clone(&self.places);
        let state = self
            .state
            .within(self.limit, move || StatePart::read(&places, now))
            .unwrap_or_else(|error| StatePart::unreadable(&format!("the state directory {error}")));

        let places = Arc::clone(&self.places);
        let system = self
            .system
            .within(self.limit, move || SystemRoot::new(&places.root).observe())
            .unwrap_or_else(|error| unreadable_system(&format!("the running system {error}")));

        let places = Arc::clone(&self.places);
        let tip = state.remote.present().cloned();
        let running = system.running.present().and_then(|running| running.revision.clone());
        let (local, tests) = self
            .local
            .within(self.limit, move || places.read_local(tip.as_ref(), running.as_ref()))
            .unwrap_or_else(|error| (LocalPart::unreadable(&format!("the repository {error}")), TestsSetup::NoneFound));

        self.put_together(state, local, tests, system)
    }

    fn put_together(
        &self,
        state: StatePart,
        local: LocalPart,
        tests: TestsSetup,
        system: SystemObservation,
    ) -> Observation {
        let Places { config, observer_version, .. } = &*self.places;
        let problem = state.remote.error().or_else(|| state.attempt.error()).map(str::to_owned);
        let url = config.repository.url.as_deref().map(git::redact_url);
        let branch = config.repository.branch.clone();
        // What another remote or branch answered, before the configuration changed, tells nothing about this one.
        let last_good = into_present(state.remote).filter(|commit| commit.is_of(url.as_deref(), branch.as_deref()));
        // Where the commits are not here, a forge may have told.
        let told = || {
            let head = local.repository.present()?.head.as_ref()?;
            last_good.as_ref()?.told_divergence(head)
        };
        let divergence = local.divergence.or_else(told);
        Observation {
            host: config.host_name(),
            settings: config.inference_settings(),
            agent: AgentObservation {
                heartbeat: state.heartbeat,
                pinned_revision: last_good.as_ref().and_then(RemoteCommit::pinned_nixfleet_revision),
                observer_version: observer_version.clone(),
            },
            repository: local.repository,
            local_lock: local.lock,
            divergence,
            remote: RemoteStatus {
                url: url.or_else(|| last_good.as_ref().map(|commit| commit.url.clone())),
                branch: branch.or_else(|| last_good.as_ref().map(|commit| commit.branch.clone())),
                last_good,
                last_attempt: into_present(state.attempt),
                problem,
            },
            pull_requests: state.pull_requests,
            system,
            operations: state.operations,
            tests,
            last_test_run: state.last_test_run,
            tests_problem: state.tests_problem,
            state_directory_problem: state.directory_problem,
        }
    }
}

impl Places {
    /// Where nobody asks GitHub any more, what an agent wrote before tells nothing.
    fn with_attempt(&self, pull_requests: PullRequestStatus) -> PullRequestStatus {
        if !self.config.github.enable {
            return pull_requests.of_remote(None);
        }
        let attempt = match self.runtime.read_pull_request_attempt() {
            Ok(attempt) => attempt,
            Err(error) => {
                let error = pull_requests.error.clone().or_else(|| Some(error.to_string()));
                return PullRequestStatus { error, ..pull_requests };
            }
        };
        // Where the remote is that of the checkout, the agent is who knows it.
        let configured = self.config.repository.url.as_deref().map(git::redact_url);
        let url = configured.or_else(|| attempt.as_ref().map(|attempt| attempt.remote_url.clone()));
        let attempt = attempt.filter(|attempt| Some(&attempt.remote_url) == url.as_ref());
        let pull_requests = if url.is_some() { pull_requests.of_remote(url.as_deref()) } else { pull_requests };
        pull_requests.with_attempt(attempt.as_ref().map(|attempt| &attempt.attempt))
    }

    fn read_local(&self, tip: Option<&RemoteCommit>, running: Option<&Revision>) -> (LocalPart, TestsSetup) {
        let path = self.config.repository.path.clone().unwrap_or_else(|| self.state.repository_path());
        let store = RemoteStore::new(self.state.remote_repository_path());
        let local = LocalPart::read(&path, Some(&store), tip).of_exactly(&path);
        let tests = if self.config.tests.enable {
            let head = local.repository.present().and_then(|repository| repository.head.as_ref());
            look_for_tests(&path, running, head, &self.config.tests_directory())
        } else {
            TestsSetup::Disabled
        };
        (local, tests)
    }
}

impl StatePart {
    fn read(places: &Places, now: Timestamp) -> Self {
        let pull_requests = places.state.read_pull_requests().map_or_else(
            |error| PullRequestStatus { last_good: None, error: Some(error.to_string()) },
            Option::unwrap_or_default,
        );
        let pull_requests = places.with_attempt(pull_requests);
        // Before the journal: an operation that ends in between is then in the journal, and not taken for lost.
        let context = FoldContext::of_machine(&places.root, now);
        let (operations, journal_run) = match places.state.journal().read() {
            Ok(contents) => {
                let history = contents.history(&context);
                (history.operations, history.last_test_run)
            }
            Err(error) => (OperationHistory { problem: Some(error.to_string()), ..OperationHistory::default() }, None),
        };
        let (file, tests_problem) = match places.state.read_tests() {
            Ok(file) => (file, None),
            // The run is known from the journal all the same.
            Err(error) => (None, Some(error.to_string())),
        };
        let last_test_run = journal_run.map(|run| run.completed_from(file));
        Self {
            heartbeat: places.runtime.read_agent().into(),
            remote: places.state.read_remote().into(),
            attempt: places.runtime.read_remote_attempt().into(),
            pull_requests,
            operations,
            last_test_run,
            tests_problem,
            directory_problem: places.state.full_disk(),
        }
    }

    fn unreadable(sentence: &str) -> Self {
        Self {
            heartbeat: Reading::Unreadable(sentence.to_owned()),
            remote: Reading::Unreadable(sentence.to_owned()),
            attempt: Reading::Absent,
            pull_requests: PullRequestStatus { last_good: None, error: Some(sentence.to_owned()) },
            operations: OperationHistory { problem: Some(sentence.to_owned()), ..OperationHistory::default() },
            last_test_run: None,
            tests_problem: None,
            directory_problem: None,
        }
    }
}

fn unreadable_system(sentence: &str) -> SystemObservation {
    SystemObservation {
        running: Reading::Unreadable(sentence.to_owned()),
        booted_store_path: Reading::Unreadable(sentence.to_owned()),
        reboot_required: None,
        generations: Reading::Unreadable(sentence.to_owned()),
    }
}

fn into_present<T>(reading: Reading<T>) -> Option<T> {
    match reading {
        Reading::Present(value) => Some(value),
        Reading::NotObserved | Reading::Absent | Reading::Unreadable(_) => None,
    }
}

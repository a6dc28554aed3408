//! All that a decision rests on, read from the host. Blocks.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use nixfleet_core::config::{Automatic, HostConfig};
use nixfleet_core::git::{self, RemoteStore};
use nixfleet_core::observation::{Divergence, Observation};
use nixfleet_core::observe::HostObserver;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory, StateError};

use super::memory::Memory;
use super::policy::{PolicyState, running_revision};
use crate::remote;

/// As for the distance to the remote.
const COUNTED_COMMITS: u32 = 1000;

/// What is known at one moment.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) observation: Observation,
    pub(crate) state: PolicyState,
    /// Of the journal, before it was read.
    pub(crate) stamp: Option<JournalStamp>,
}

/// The journal was not written to while this is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalStamp {
    length_bytes: u64,
    modified: SystemTime,
}

impl JournalStamp {
    /// Of the journal as it is; `None` where there is none.
    pub(crate) fn of(state: &StateDirectory) -> Option<Self> {
        let metadata = std::fs::metadata(state.path.join("journal.jsonl")).ok()?;
        Some(Self { length_bytes: metadata.len(), modified: metadata.modified().ok()? })
    }
}

/// Reads the evidence of one host.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceReader {
    config: Arc<HostConfig>,
    state: StateDirectory,
    observer: Arc<HostObserver>,
}

impl EvidenceReader {
    pub(crate) fn new(config: HostConfig, state: &StateDirectory, runtime: &RuntimeDirectory) -> Self {
        let observer = HostObserver::new(
            config.clone(),
            state.clone(),
            runtime.clone(),
            Path::new("/"),
            env!("CARGO_PKG_VERSION"),
        );
        Self { config: Arc::new(config), state: state.clone(), observer: Arc::new(observer) }
    }

    /// An error where the journal cannot be read: without it nothing may be decided.
    pub(crate) fn read(&self) -> Result<Evidence, StateError> {
        let stamp = JournalStamp::of(&self.state);
        let observation = self.observer.observe(Timestamp::now());
        // After the observation: what ended in between is then in the memory, and is not begun again.
        let memory = Memory::of(&self.state.journal().read()?.entries);
        let policy = self.config.agent.policy.clone();
        let running_to_head = if policy.switch == Automatic::Off { None } else { self.running_to_head(&observation) };
        let allow_rewritten_branch = self.config.repository.allow_rewritten_branch;
        Ok(Evidence {
            observation,
            state: PolicyState { policy, allow_rewritten_branch, memory, running_to_head },
            stamp,
        })
    }

    fn running_to_head(&self, observation: &Observation) -> Option<Divergence> {
        let head = observation.repository.present()?.head.as_ref()?;
        let running = running_revision(observation)?;
        let store = RemoteStore::new(self.state.remote_repository_path());
        let path = remote::checkout(&self.config, &self.state);
        git::divergence(&path, Some(&store), running, head, COUNTED_COMMITS).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            None
        })
    }
}

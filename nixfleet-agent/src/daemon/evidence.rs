//! All that a decision rests on, read from the host. Blocks.

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use nixfleet_core::config::{Automatic, HostConfig};
use nixfleet_core::git::{self, RemoteStore};
use nixfleet_core::observation::{Divergence, Observation};
use nixfleet_core::observe::HostObserver;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory, StateError};
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::policy::{PolicyState, running_revision};
use crate::remote;

/// As for the distance to the remote.
const COUNTED_COMMITS: u32 = 1000;

/// Nobody waits for a decision as a scrape is waited for, and a host that builds is slow. All three are within `HOST_LIMIT`.
const LIMIT_OF_A_SOURCE: Duration = Duration::from_secs(6);

/// What is known at one moment.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) observation: Observation,
    pub(crate) state: PolicyState,
    /// Of the journal, before it was read.
    pub(crate) stamp: Option<JournalStamp>,
}

/// The journal was not written to while this is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Reads the evidence of this host. An error where the journal cannot be read: without it nothing may be decided.
///
/// `asked_again_at` is when a person last asked for another try.
pub(crate) fn read(
    config: &HostConfig,
    asked_again_at: Option<Timestamp>,
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
) -> Result<Evidence, StateError> {
    let stamp = JournalStamp::of(state);
    let version = env!("CARGO_PKG_VERSION");
    let observer = HostObserver::new(config.clone(), state.clone(), runtime.clone(), Path::new("/"), version);
    let observation = observer.with_limit(LIMIT_OF_A_SOURCE).observe(Timestamp::now());
    // After the observation: what ended in between is then in the memory, and is not begun again.
    let memory = Memory::of(&state.journal().read()?.entries);
    let policy = config.agent.policy.clone();
    let is_asked_for = policy.switch != Automatic::Off;
    let running_to_head = is_asked_for.then(|| running_to_head(config, state, &observation)).flatten();
    let allow_rewritten_branch = config.repository.allow_rewritten_branch;
    let state = PolicyState { policy, allow_rewritten_branch, memory, running_to_head, asked_again_at };
    Ok(Evidence { observation, state, stamp })
}

fn running_to_head(config: &HostConfig, state: &StateDirectory, observation: &Observation) -> Option<Divergence> {
    let head = observation.repository.present()?.head.as_ref()?;
    let running = running_revision(observation)?;
    let store = RemoteStore::new(state.remote_repository_path());
    let path = remote::checkout(config, state);
    git::divergence(&path, Some(&store), running, head, COUNTED_COMMITS).unwrap_or_else(|error| {
        tracing::warn!("{error}");
        None
    })
}

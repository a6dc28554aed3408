//! The tracked branch of the remote: the last good answer, and the last attempt beside it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LockFile;
use crate::Revision;

/// What is known of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteStatus {
    /// The address, without credentials; absent where no remote is configured.
    pub url: Option<String>,
    /// The branch that the host follows; absent where none is known.
    pub branch: Option<String>,
    /// The last good answer, however old.
    pub last_good: Option<RemoteCommit>,
    /// The last attempt to read it, good or not, where one is known.
    pub last_attempt: Option<RemoteAttempt>,
    /// Why the record of the last good answer cannot be read, in one sentence.
    pub problem: Option<String>,
}

/// One commit of the tracked branch and all that was read from that very commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCommit {
    /// The address that it was read from, without credentials.
    pub url: String,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The tip of the branch.
    pub revision: Revision,
    /// First line of the commit's message, control characters replaced.
    pub subject: String,
    /// The committer's time.
    pub committed_at: Timestamp,
    /// `flake.lock` of this commit; absent where it has none.
    pub lock: Option<LockFile>,
    /// When this commit was first seen as the tip.
    pub first_seen_at: Timestamp,
    /// When the remote last confirmed it as the tip.
    pub confirmed_at: Timestamp,
}

impl RemoteCommit {
    /// The revision that this commit's `flake.lock` pins for the input `nixfleet`.
    #[must_use]
    pub fn pinned_nixfleet_revision(&self) -> Option<Revision> {
        let inputs = &self.lock.as_ref()?.inputs;
        inputs.iter().find(|input| input.name == "nixfleet")?.revision.as_ref()?.parse().ok()
    }
}

/// The last attempt to read the remote, and the attempts since the machine's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteAttempt {
    /// When.
    pub at: Timestamp,
    /// Why it failed, in one sentence without secrets; absent where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Failures in a row up to and with this attempt; 0 where it succeeded.
    pub failures_in_a_row: u32,
    /// The first of those failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Attempts that succeeded since the machine's start.
    pub succeeded_total: u64,
    /// Attempts that failed since the machine's start.
    pub failed_total: u64,
}

//! Open pull requests that update `flake.lock`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;

/// What is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PullRequestStatus {
    /// The last good answer; absent where the forge was never asked.
    pub last_good: Option<PullRequestList>,
    /// Why the last attempt to ask failed, in one sentence without secrets.
    pub error: Option<String>,
}

/// The forge's answer at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestList {
    /// When it was asked.
    pub observed_at: Timestamp,
    /// The open ones that update `flake.lock`, newest first.
    pub open: Vec<PullRequest>,
}

/// One open pull request that updates `flake.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number on the forge.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title, control characters replaced.
    pub title: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The tip of its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_revision: Option<Revision>,
}

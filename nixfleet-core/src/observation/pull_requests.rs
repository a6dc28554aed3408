//! Open pull requests that update `flake.lock`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RemoteAttempt;
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
    /// The remote that it is the answer for, without credentials, where an agent asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_url: Option<String>,
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
    /// Who opened it, control characters replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// The last attempt to ask the forge, and the attempts since the machine's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequestAttempt {
    /// As for the remote.
    #[serde(flatten)]
    pub attempt: RemoteAttempt,
    /// The remote that it was about, without credentials.
    pub remote_url: String,
}

impl PullRequestStatus {
    /// With what the last attempt tells: why it failed, or that the list is as fresh as its last success. The record of
    /// the list is written when it changes only.
    #[must_use]
    pub fn with_attempt(mut self, attempt: Option<&RemoteAttempt>) -> Self {
        let Some(attempt) = attempt else { return self };
        if let Some(list) = &mut self.last_good {
            list.observed_at = list.observed_at.max(attempt.last_success_at.unwrap_or(list.observed_at));
        }
        if self.error.is_none() {
            self.error.clone_from(&attempt.error);
        }
        self
    }

    /// What counts where the forge is asked about `remote_url`, or about none: an agent's answer about another remote,
    /// from before the configuration changed, tells nothing.
    #[must_use]
    pub fn of_remote(mut self, remote_url: Option<&str>) -> Self {
        self.last_good =
            self.last_good.filter(|list| list.remote_url.is_none() || list.remote_url.as_deref() == remote_url);
        self
    }
}

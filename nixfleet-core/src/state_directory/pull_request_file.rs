//! `pull-request.json`: the open pull requests that update `flake.lock`.

use serde::{Deserialize, Serialize};

use crate::observation::{PullRequestList, PullRequestStatus};

/// As it is in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PullRequestFile {
    /// The last good answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<PullRequestList>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<&PullRequestStatus> for PullRequestFile {
    fn from(status: &PullRequestStatus) -> Self {
        let PullRequestStatus { last_good, error } = status.clone();
        Self { list: last_good, error }
    }
}

impl From<PullRequestFile> for PullRequestStatus {
    fn from(file: PullRequestFile) -> Self {
        Self { last_good: file.list, error: file.error }
    }
}

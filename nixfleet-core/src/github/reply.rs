//! The parts of GitHub's replies that are used, under GitHub's own names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;

/// Of `pull-request-simple`, an item of the list of pull requests.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListedPullRequest {
    pub(super) number: u64,
    pub(super) html_url: String,
    pub(super) title: String,
    pub(super) user: Option<User>,
    pub(super) labels: Vec<Label>,
    pub(super) created_at: Timestamp,
    pub(super) head: Branch,
    pub(super) base: Branch,
}

/// Of `pull-request`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PullRequestReply {
    #[serde(flatten)]
    pub(super) listed: ListedPullRequest,
    pub(super) node_id: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) merged: bool,
    pub(super) mergeable: Option<bool>,
    pub(super) mergeable_state: String,
    pub(super) merge_commit_sha: Option<String>,
    pub(super) merged_at: Option<Timestamp>,
    pub(super) changed_files: u64,
    pub(super) commits: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Branch {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) sha: Revision,
    /// Absent where the fork was deleted.
    pub(super) repo: Option<Repository>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: String,
    pub(super) default_branch: String,
}

/// Of `diff-entry`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChangedFile {
    pub(super) filename: String,
    pub(super) status: String,
}

/// The list of check runs of a commit.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckRuns {
    pub(super) check_runs: Vec<CheckRun>,
}

/// Of `check-run`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CheckRun {
    pub(super) name: String,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
}

/// Of `combined-commit-status`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CombinedStatus {
    pub(super) statuses: Vec<CommitStatus>,
}

/// Of `simple-commit-status`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CommitStatus {
    pub(super) context: String,
    pub(super) state: String,
}

/// Of `branch-with-protection`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BranchReply {
    pub(super) name: String,
    pub(super) commit: CommitReply,
}

/// Of `commit`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CommitReply {
    pub(super) sha: Revision,
    pub(super) commit: GitCommit,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct GitCommit {
    pub(super) message: String,
    pub(super) committer: Option<Committer>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Committer {
    pub(super) date: Option<Timestamp>,
}

/// Of `commit-comparison`, of which the base is the first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ComparisonReply {
    /// Commits that only the second one has.
    pub(super) ahead_by: u32,
    /// Commits that only the first one has.
    pub(super) behind_by: u32,
}

/// Of `repository`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RepositoryReply {
    pub(super) default_branch: String,
}

/// `pull-request-merge-result`.
#[derive(Debug, Deserialize)]
pub(super) struct MergeReply {
    pub(super) sha: Revision,
    pub(super) merged: bool,
    pub(super) message: String,
}

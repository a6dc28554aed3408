//! One pull request, with all that a decision about it needs.

use jiff::Timestamp;
use serde::Serialize;

use super::client::Question;
use super::reply::{ChangedFile, PullRequestReply};
use super::{GithubClient, GithubError, KnownAnswers};
use crate::Revision;
use crate::one_line::one_line;

/// GitHub lists 3000 files of a pull request at most; 300 tell a person enough.
const FILE_PAGES_MAXIMUM: u64 = 3;

/// One pull request, looked at now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PullRequestDetails {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title, on one line.
    pub title: String,
    /// Who opened it; absent where the account is no more.
    pub author: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Open, closed or merged.
    pub state: PullRequestState,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Whether its branch is in another repository.
    pub is_from_fork: bool,
    /// The branch that it is to be merged into.
    pub base_branch: String,
    /// The tip of that branch when the pull request was last updated.
    pub base_revision: Revision,
    /// The tip of its own branch.
    pub head_revision: Revision,
    /// Whether it can be merged.
    pub mergeability: Mergeability,
    /// The commit that the merge brought to the base branch; only where it is merged.
    pub merge_revision: Option<Revision>,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// How many files it changes.
    pub changed_files: u64,
    /// How many commits it has.
    pub commits: u64,
    /// Its labels.
    pub labels: Vec<String>,
    /// The repository's full name, which is another than the asked one where that was renamed.
    pub repository: String,
    /// GitHub's id for its GraphQL API.
    #[serde(skip)]
    pub node_id: String,
}

/// Whether it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PullRequestState {
    /// It waits.
    Open,
    /// It was closed without being merged.
    Closed,
    /// It was merged.
    Merged,
}

/// Whether it can be merged: GitHub's `mergeable` and `mergeable_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mergeability {
    /// Nothing stands against it.
    Clean,
    /// It has conflicts with its base branch.
    Conflicts,
    /// A rule of the base branch is not fulfilled, such as a review.
    Blocked,
    /// Its branch has to be updated first.
    Behind,
    /// It can be merged, and a check failed or runs.
    Unstable,
    /// GitHub still computes it.
    Computing,
    /// It is not open.
    NotOpen,
}

/// The files that a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFiles {
    /// Their names, at most 300.
    pub names: Vec<String>,
    /// Whether there are more.
    pub has_more: bool,
}

impl ChangedFiles {
    /// Whether `flake.lock` at the root of the repository is the only one.
    #[must_use]
    pub fn is_only_flake_lock(&self) -> bool {
        !self.has_more && matches!(&self.names[..], [name] if name == "flake.lock")
    }
}

impl GithubClient {
    /// One pull request. Where GitHub still computes whether it can be merged it is asked again, a few times.
    pub async fn pull_request(&self, number: u64) -> Result<PullRequestDetails, GithubError> {
        let mut found = self.pull_request_now(number).await?;
        for pause in &self.limits.mergeability_pauses {
            if found.mergeability != Mergeability::Computing {
                break;
            }
            tokio::time::sleep(*pause).await;
            found = self.pull_request_now(number).await?;
        }
        Ok(found)
    }

    /// One pull request as it is now, even where its mergeability is not computed yet.
    pub async fn pull_request_now(&self, number: u64) -> Result<PullRequestDetails, GithubError> {
        let question = Question {
            path: self.path(&format!("/pulls/{number}")),
            asked: format!("look at #{number} of {}", self.repository),
            right: "\"Pull requests: read\"",
        };
        let answer = self.get::<PullRequestReply>(&mut KnownAnswers::default(), &question).await?;
        Ok(details(&answer.content))
    }

    /// The files that it changes.
    pub async fn changed_files(&self, number: u64) -> Result<ChangedFiles, GithubError> {
        let mut names = Vec::new();
        for page in 1..=FILE_PAGES_MAXIMUM {
            let question = Question {
                path: self.path(&format!("/pulls/{number}/files?per_page=100&page={page}")),
                asked: format!("list the files of #{number} of {}", self.repository),
                right: "\"Pull requests: read\"",
            };
            let answer = self.get::<Vec<ChangedFile>>(&mut KnownAnswers::default(), &question).await?;
            names.extend(answer.content.iter().map(|file| one_line(&file.filename, 200)));
            if !answer.has_next {
                return Ok(ChangedFiles { names, has_more: false });
            }
        }
        Ok(ChangedFiles { names, has_more: true })
    }

    /// The client for the repository under the name that GitHub gave it, where it was renamed: what changes something
    /// is not redirected.
    #[must_use]
    pub fn for_repository_of(&self, pull_request: &PullRequestDetails) -> Self {
        let renamed = self.repository.renamed(&pull_request.repository);
        Self { repository: renamed.unwrap_or_else(|| self.repository.clone()), ..self.clone() }
    }
}

fn details(reply: &PullRequestReply) -> PullRequestDetails {
    let PullRequestReply { listed, node_id, .. } = reply;
    let state = match (reply.merged, reply.state.as_str()) {
        (true, _) => PullRequestState::Merged,
        (false, "open") => PullRequestState::Open,
        (false, _) => PullRequestState::Closed,
    };
    let base = listed.base.repo.as_ref().map(|repository| repository.full_name.clone()).unwrap_or_default();
    PullRequestDetails {
        number: listed.number,
        url: one_line(&listed.html_url, 500),
        title: one_line(&listed.title, 200),
        author: listed.user.as_ref().map(|user| one_line(&user.login, 100)),
        opened_at: listed.created_at,
        state,
        is_draft: reply.draft,
        is_from_fork: listed.head.repo.as_ref().is_none_or(|repository| repository.full_name != base),
        base_branch: listed.base.name.clone(),
        base_revision: listed.base.sha.clone(),
        head_revision: listed.head.sha.clone(),
        mergeability: mergeability(state, reply.mergeable, &reply.mergeable_state),
        merge_revision: reply
            .merge_commit_sha
            .as_ref()
            .filter(|_| state == PullRequestState::Merged)
            .and_then(|revision| revision.parse().ok()),
        merged_at: reply.merged_at,
        changed_files: reply.changed_files,
        commits: reply.commits,
        labels: listed.labels.iter().map(|label| one_line(&label.name, 100)).collect(),
        repository: base,
        node_id: node_id.clone(),
    }
}

fn mergeability(state: PullRequestState, mergeable: Option<bool>, mergeable_state: &str) -> Mergeability {
    match (state, mergeable, mergeable_state) {
        (PullRequestState::Closed | PullRequestState::Merged, _, _) => Mergeability::NotOpen,
        (_, Some(false), _) | (_, _, "dirty") => Mergeability::Conflicts,
        (_, None, _) => Mergeability::Computing,
        (_, _, "blocked") => Mergeability::Blocked,
        (_, _, "behind") => Mergeability::Behind,
        (_, _, "unstable") => Mergeability::Unstable,
        _ => Mergeability::Clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_github_says_of_a_merge() {
        use PullRequestState::{Merged, Open};
        for (state, mergeable, word, expected) in [
            (Open, Some(true), "clean", Mergeability::Clean),
            (Open, Some(true), "has_hooks", Mergeability::Clean),
            (Open, Some(true), "draft", Mergeability::Clean),
            (Open, Some(true), "unstable", Mergeability::Unstable),
            (Open, Some(true), "blocked", Mergeability::Blocked),
            (Open, Some(true), "behind", Mergeability::Behind),
            (Open, Some(true), "a new word", Mergeability::Clean),
            (Open, Some(false), "dirty", Mergeability::Conflicts),
            (Open, None, "unknown", Mergeability::Computing),
            (Merged, None, "unknown", Mergeability::NotOpen),
        ] {
            assert_eq!(mergeability(state, mergeable, word), expected, "{mergeable:?} {word}");
        }
    }
}

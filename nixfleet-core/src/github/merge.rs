//! Merging a pull request.

use http::Method;
use serde::Serialize;

use super::client::Question;
use super::reply::MergeReply;
use super::{GithubClient, GithubError, PullRequestDetails, PullRequestState};
use crate::Revision;
use crate::one_line::one_line;

/// How its commits come to the base branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// One after the other.
    Rebase,
}

/// A pull request that is merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merge {
    /// The commit that it brought to the base branch; absent where GitHub does not tell.
    pub revision: Option<Revision>,
    /// Whether it was so before it was asked for.
    pub was_merged_before: bool,
}

#[derive(Serialize)]
struct MergeRequest<'a> {
    sha: &'a Revision,
    merge_method: MergeMethod,
}

impl GithubClient {
    /// Merges exactly what was looked at: with another head GitHub refuses.
    ///
    /// One that is merged already is a success. Where no clear answer comes, GitHub is asked what became of it.
    pub async fn merge(&self, looked_at: &PullRequestDetails, method: MergeMethod) -> Result<Merge, GithubError> {
        let number = looked_at.number;
        if looked_at.state == PullRequestState::Merged {
            return Ok(Merge { revision: looked_at.merge_revision.clone(), was_merged_before: true });
        }
        let client = self.for_repository_of(looked_at);
        let question = Question {
            path: client.path(&format!("/pulls/{number}/merge")),
            asked: format!("merge #{number} of {}", client.repository),
            right: "\"Contents: write\" (and \"Pull requests: write\")",
        };
        let request = MergeRequest { sha: &looked_at.head_revision, merge_method: method };
        let error = match client.change::<MergeReply>(Method::PUT, &question, &request).await {
            Ok(reply) if reply.merged => return Ok(Merge { revision: Some(reply.sha), was_merged_before: false }),
            Ok(reply) => GithubError::NotMergeable { number, said: one_line(&reply.message, 200) },
            Err(GithubError::Refused { status: 405, said, .. }) => GithubError::NotMergeable { number, said },
            Err(GithubError::Refused { status: 409, said, .. }) => GithubError::HeadMoved { number, said },
            Err(error) => error,
        };
        let is_refused = matches!(error, GithubError::NotMergeable { .. } | GithubError::HeadMoved { .. });
        if !is_refused && !error.is_unclear() {
            return Err(error);
        }
        match client.pull_request_now(number).await {
            Ok(now) if now.state == PullRequestState::Merged => {
                // Somebody was faster, or the answer was lost.
                let was_merged_before =
                    matches!(error, GithubError::NotMergeable { .. } | GithubError::HeadMoved { .. });
                Ok(Merge { revision: now.merge_revision, was_merged_before })
            }
            Ok(_) if matches!(error, GithubError::NotMergeable { .. } | GithubError::HeadMoved { .. }) => Err(error),
            Ok(_) => Err(GithubError::NotMerged { number, cause: Box::new(error) }),
            Err(_) => Err(error),
        }
    }
}

//! How far two commits are apart, without their objects.

use super::branch::contents_question;
use super::reply::ComparisonReply;
use super::{GithubClient, GithubError, KnownAnswers};
use crate::Revision;
use crate::observation::ToldDistance;

impl GithubClient {
    /// How far `from`, a host's commit, is from `tip`.
    pub async fn distance(
        &self,
        from: &Revision,
        tip: &Revision,
        known: &mut KnownAnswers,
    ) -> Result<ToldDistance, GithubError> {
        // The files that differ, with their patches, are on the first page; the counts are on each.
        let path = self.path(&format!("/compare/{from}...{tip}?per_page=1&page=2"));
        let asked = format!("compare {} with {} of {}", from.short(), tip.short(), self.repository);
        let question = contents_question(path, asked);
        let found = self.get::<ComparisonReply>(known, &question).await;
        // It is recorded with the tip, and not asked for again.
        known.forget(&question.path);
        let (ahead, behind) = match found {
            Ok(found) => (Some(found.content.behind_by), Some(found.content.ahead_by)),
            // Whoever asks has seen the tip: it is the other one that was never pushed.
            Err(GithubError::NotFound { status: 404, .. } | GithubError::TokenNeeded { status: 404, .. }) => {
                (None, None)
            }
            Err(error) => return Err(error),
        };
        Ok(ToldDistance { from: from.clone(), ahead, behind })
    }
}

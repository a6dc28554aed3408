//! The head of a branch and its `flake.lock`, without a clone.

use jiff::Timestamp;

use super::client::Question;
use super::lock_updates::query_value;
use super::reply::{BranchReply, RepositoryReply};
use super::{GithubClient, GithubError, KnownAnswers};
use crate::Revision;
use crate::flake_lock;
use crate::git::redact_url;
use crate::observation::{LockFile, RemoteCommit};
use crate::one_line::one_line;

/// As with Git: some thousand times what is common.
const LOCK_BYTES_MAXIMUM: usize = 64 * 1024 * 1024;

/// The tip of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchHead {
    /// The branch.
    pub branch: String,
    /// Its tip.
    pub revision: Revision,
    /// First line of the commit's message.
    pub subject: String,
    /// The committer's time.
    pub committed_at: Timestamp,
}

impl GithubClient {
    /// The tip of a branch; of the repository's default branch where none is named.
    pub async fn branch_head(&self, branch: Option<&str>, known: &mut KnownAnswers) -> Result<BranchHead, GithubError> {
        let branch = if let Some(branch) = branch {
            branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned()
        } else {
            let question = contents_question(self.path(""), format!("look at {}", self.repository));
            self.get::<RepositoryReply>(known, &question).await?.content.default_branch
        };
        // A slash in a branch's name stays one in the path, as GitHub has it.
        let path: Vec<String> = branch.split('/').map(query_value).map(|part| part.replace('+', "%20")).collect();
        let path = self.path(&format!("/branches/{}", path.join("/")));
        let question = contents_question(path, format!("look at the branch {branch} of {}", self.repository));
        let found = self.get::<BranchReply>(known, &question).await?.content;
        if found.name != branch {
            let (to, repository) = (one_line(&found.name, 200), self.repository.to_string());
            return Err(GithubError::BranchRenamed { branch, to, repository });
        }
        let commit = found.commit.commit;
        Ok(BranchHead {
            branch: found.name,
            revision: found.commit.sha,
            subject: one_line(commit.message.lines().next().unwrap_or_default(), 200),
            committed_at: commit.committer.and_then(|committer| committer.date).unwrap_or(Timestamp::UNIX_EPOCH),
        })
    }

    /// `flake.lock` of one commit, byte by byte; none where the commit has none.
    pub async fn flake_lock(&self, revision: &Revision) -> Result<Option<Vec<u8>>, GithubError> {
        let path = self.path(&format!("/contents/flake.lock?ref={revision}"));
        let asked = format!("read flake.lock of {} of {}", revision.short(), self.repository);
        self.raw(&contents_question(path, asked), LOCK_BYTES_MAXIMUM).await
    }

    /// The remote's answer as [`crate::git::RemoteStore::observe`] gives it, without a clone: the tip of the branch and the
    /// `flake.lock` of that very commit. With `previous` as the tip only the branch is asked for.
    ///
    /// `remote_url` is the address that Git has for this repository: the answer is told as that remote's, without secrets.
    pub async fn observe_branch(
        &self,
        remote_url: &str,
        branch: Option<&str>,
        previous: Option<&RemoteCommit>,
        known: &mut KnownAnswers,
        now: Timestamp,
    ) -> Result<RemoteCommit, GithubError> {
        let url = redact_url(remote_url);
        let head = self.branch_head(branch, known).await?;
        let previous = previous.filter(|previous| previous.is_of(Some(&url), Some(&head.branch)));
        if let Some(previous) = previous.filter(|previous| previous.revision == head.revision) {
            return Ok(RemoteCommit { confirmed_at: now, ..previous.clone() });
        }
        // The branch may have been the last that could be asked for.
        self.may_ask(known, Timestamp::now())?;
        let lock = self.flake_lock(&head.revision).await.inspect_err(|error| {
            if let Some(until) = error.not_before() {
                known.ask_not_before(until);
            }
        })?;
        let lock: Option<LockFile> = lock.as_deref().map(flake_lock::summarize);
        Ok(RemoteCommit {
            url,
            branch: head.branch,
            revision: head.revision,
            subject: head.subject,
            committed_at: head.committed_at,
            lock,
            first_seen_at: now,
            confirmed_at: now,
            earlier_tips: previous.map(RemoteCommit::tips_up_to_here).unwrap_or_default(),
            distance: None,
        })
    }
}

pub(super) fn contents_question(path: String, asked: String) -> Question {
    Question { path, asked, right: "\"Contents: read\"" }
}

//! What is read of the local repository, in one go.

use std::path::Path;

use crate::flake_lock;
use crate::git::{self, RemoteStore};
use crate::observation::{Divergence, LocalRepository, LockFile, Reading, RemoteCommit};

/// Commits are counted up to here: further apart is said as "1000+".
const COUNTED_COMMITS: u32 = 1000;

/// The local repository, its lock, and how far it is from the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalPart {
    pub(super) repository: Reading<LocalRepository>,
    pub(super) lock: Reading<LockFile>,
    pub(super) divergence: Option<Divergence>,
}

impl LocalPart {
    pub(super) fn read(path: &Path, store: Option<&RemoteStore>, tip: Option<&RemoteCommit>) -> Self {
        let repository = git::observe_repository(path);
        let lock = match &repository {
            Reading::Present(_) => {
                git::lock_in_work_tree(path).map(|bytes| bytes.as_deref().map(flake_lock::summarize)).into()
            }
            Reading::Absent => Reading::Absent,
            Reading::Unreadable(sentence) => Reading::Unreadable(sentence.clone()),
            Reading::NotObserved => Reading::NotObserved,
        };
        let divergence = match (repository.present().and_then(|repository| repository.head.as_ref()), tip) {
            (Some(head), Some(tip)) => {
                // Not known how far is a part of the answer, not a reason to have none.
                git::divergence(path, store, head, &tip.revision, COUNTED_COMMITS).unwrap_or_else(|error| {
                    tracing::warn!(%error, "the distance to the remote is not known");
                    None
                })
            }
            _ => None,
        };
        Self { repository, lock, divergence }
    }

    /// Refuses a repository that `path` only lies in: a checkout that lost its `.git` is not the one around it.
    pub(super) fn of_exactly(self, path: &Path) -> Self {
        let Some(found) = self.repository.present().map(|repository| &repository.path) else { return self };
        let same = |one: &Path, other: &Path| one == other || one.canonicalize().ok() == other.canonicalize().ok();
        // A bare clone named by its work tree's place is found as PATH/.git.
        if same(found, path) || same(found, &path.join(".git")) {
            return self;
        }
        Self::unreadable(&format!(
            "{} is not a Git repository, it only lies in one ({}): remove it, and the next pull clones it anew",
            path.display(),
            found.display()
        ))
    }

    /// Where nobody pulls, none will come by itself.
    pub(super) fn must_be_there(self, path: &Path) -> Self {
        match self.repository {
            Reading::Absent => Self::unreadable(&format!(
                "there is no Git repository at {}: name a checkout of a flake",
                path.display()
            )),
            _ => self,
        }
    }

    pub(super) fn unreadable(sentence: &str) -> Self {
        Self {
            repository: Reading::Unreadable(sentence.to_owned()),
            lock: Reading::Unreadable(sentence.to_owned()),
            divergence: None,
        }
    }
}

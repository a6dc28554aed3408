//! Why the checkout was left as it was.

use std::path::{Path, PathBuf};

use crate::Revision;
use crate::git::RepositoryError;
use crate::one_line::one_line;

/// The checkout was not moved. Nothing in it was lost.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The repository cannot be opened or read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A repository without a work tree cannot be brought forward.
    #[error("{} is a bare repository: name a checkout", path.display())]
    Bare {
        /// The repository.
        path: PathBuf,
    },
    /// HEAD is on another branch, or on none.
    #[error("{} is on {found}, and {tracked} is tracked: check out {tracked} there, or track the other branch", path.display())]
    OtherBranch {
        /// The repository.
        path: PathBuf,
        /// The branch that HEAD is on, or `no branch`.
        found: String,
        /// The tracked branch.
        tracked: String,
    },
    /// Files have changes that the new commit would overwrite.
    #[error("{} has local changes that {} would overwrite ({files}): commit and push them, or remove them", path.display(), tip.short())]
    LocalChanges {
        /// The repository.
        path: PathBuf,
        /// The commit that was to be checked out.
        tip: Revision,
        /// Some of the files.
        files: String,
    },
    /// Local HEAD and the remote's tip both have commits that the other has not.
    #[error(
        "{} has diverged from {} on the remote: its branch was rewritten, or there are local commits; rebase or reset it by hand, or allow rewritten branches in the configuration",
        path.display(),
        tip.short()
    )]
    Diverged {
        /// The repository.
        path: PathBuf,
        /// The remote's tip.
        tip: Revision,
    },
    /// Another git works in the checkout, or was cut off while it did.
    #[error("another git works in {}: try again, and if none runs, remove {}", path.display(), lock.display())]
    Locked {
        /// The repository.
        path: PathBuf,
        /// The lock's file.
        lock: PathBuf,
    },
    /// The commit is not there to be taken.
    #[error("the commit {} is not in the store of fetched objects: pull again", .0.short())]
    NotFetched(Revision),
    /// Git could not write.
    #[error("cannot bring {} to {} ({detail}): free some space, check that this user may write there and that no git runs in it", path.display(), tip.short())]
    Write {
        /// The repository.
        path: PathBuf,
        /// The commit that was to be checked out.
        tip: Revision,
        /// The reason, on one line.
        detail: String,
        /// What libgit2 said.
        source: git2::Error,
    },
}

impl CheckoutError {
    pub(super) fn write(path: &Path, tip: &Revision, source: git2::Error) -> Self {
        let detail = one_line(source.message(), 300);
        Self::Write { path: path.to_owned(), tip: tip.clone(), detail, source }
    }
}

//! Why the local repository cannot be read.

use std::path::{Path, PathBuf};

use git2::{ErrorClass, ErrorCode};

use crate::one_line::one_line;

/// The local repository, or something in it, cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Something is there and it is no repository.
    #[error("{} is not a Git repository: name the directory of a checkout, or clone one there", path.display())]
    NotARepository {
        /// Where it was looked for.
        path: PathBuf,
        /// What libgit2 said.
        source: git2::Error,
    },
    /// Another user owns it, and libgit2 refuses it for this reason.
    #[error(
        "{0} belongs to another user and Git refuses to read it: run as its owner, or allow it with `git config --global --add safe.directory {0}`",
        path.display()
    )]
    ForeignOwner {
        /// The repository.
        path: PathBuf,
        /// What libgit2 said.
        source: git2::Error,
    },
    /// The repository is damaged, or this user may not read it.
    #[error("cannot read {what} of the repository {} ({detail}): check it with `git -C {} fsck` and its permissions", path.display(), path.display())]
    Unreadable {
        /// What was to be read.
        what: String,
        /// The repository.
        path: PathBuf,
        /// The reason, on one line.
        detail: String,
        /// What libgit2 said.
        source: git2::Error,
    },
    /// `flake.lock` is there and cannot be taken.
    #[error("cannot read flake.lock in {}: {detail}", path.display())]
    Lock {
        /// The repository.
        path: PathBuf,
        /// The reason and what to do.
        detail: String,
    },
}

impl RepositoryError {
    /// The error for what could not be read of an open repository.
    pub(super) fn unreadable(what: &str, path: &Path, source: git2::Error) -> Self {
        let detail = one_line(source.message(), 300);
        Self::Unreadable { what: what.to_owned(), path: path.to_owned(), detail, source }
    }

    /// The error for a repository that could not be opened.
    pub(super) fn opening(path: &Path, source: git2::Error) -> Self {
        let path = path.to_owned();
        match (source.code(), source.class()) {
            (ErrorCode::Owner, _) => Self::ForeignOwner { path, source },
            (ErrorCode::NotFound, ErrorClass::Repository) => Self::NotARepository { path, source },
            _ => Self::unreadable("the configuration", &path, source),
        }
    }
}

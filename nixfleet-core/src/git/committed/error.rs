//! Why the files of a commit were not written.

use std::path::{Path, PathBuf};

use super::write_out::WriteOutBounds;
use crate::Revision;
use crate::git::RepositoryError;

/// The files of a commit were not written, or only a part of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteOutError {
    /// An object is missing or damaged.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// There is more than the bounds allow.
    #[error(
        "{} has more than {files} files or {mebibytes} MiB{}: keep what the tests need in a smaller directory at the top of the repository",
        revision.short(),
        below(directory)
    )]
    TooLarge {
        /// The commit.
        revision: Revision,
        /// The directory in it; empty for the whole.
        directory: PathBuf,
        /// The bound of files.
        files: usize,
        /// The bound of all their bytes, in MiB.
        mebibytes: u64,
    },
    /// No file can have the name of one of its entries.
    #[error("{} has an entry in the directory {:?} with a name that no file can have: check the repository with `git fsck`", revision.short(), directory)]
    BadName {
        /// The commit.
        revision: Revision,
        /// The directory in it.
        directory: PathBuf,
    },
    /// The disk, or who may write there.
    #[error("cannot write {}: {source}; free some space, and check who may write there", path.display())]
    Write {
        /// What was written.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

fn below(directory: &Path) -> String {
    if directory.as_os_str().is_empty() { String::new() } else { format!(" in {}", directory.display()) }
}

impl WriteOutError {
    pub(super) fn too_large(revision: &Revision, directory: &Path, bounds: WriteOutBounds) -> Self {
        let mebibytes = bounds.bytes / 1024 / 1024;
        Self::TooLarge { revision: revision.clone(), directory: directory.to_owned(), files: bounds.files, mebibytes }
    }
}

//! What can go wrong with a file of the state.

use std::io;
use std::path::{Path, PathBuf};

/// A file of the state cannot be read or written. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The operating system refuses to read it.
    #[error("cannot read {path}: {source}; check that this user may read the file and enter the directories above it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Something else lies in its place.
    #[error("{path} is {found}, not a regular file: {remedy}; remove what is there")]
    NotARegularFile {
        /// Where.
        path: PathBuf,
        /// What lies there.
        found: &'static str,
        /// Who writes the file.
        remedy: &'static str,
    },
    /// It is larger than any file of its kind can be.
    #[error("{path} has {bytes} bytes, more than the {maximum_bytes} it may have: {remedy}; remove it if this stays")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The bound.
        maximum_bytes: u64,
        /// Who writes the file anew.
        remedy: &'static str,
    },
    /// Its content is not what it should be.
    #[error("{path} {problem}: {remedy}; remove it if this stays")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong, such as `is empty`.
        problem: String,
        /// Who writes the file anew.
        remedy: &'static str,
    },
    /// Another nixfleet wrote it.
    #[error(
        "{path} has format version {found}, this nixfleet understands version {understood}: {} nixfleet wrote it; \
         run the same nixfleet everywhere on this host, or remove the file",
        if found > understood { "a newer" } else { "another" }
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The version that it says.
        found: u64,
        /// The version that this program understands.
        understood: u64,
    },
    /// The directory of a file to be written does not exist.
    #[error(
        "cannot write {path}: its directory does not exist; systemd creates it when nixfleet's units start, create it for \
         the user that nixfleet runs as otherwise"
    )]
    NoDirectory {
        /// The file.
        path: PathBuf,
    },
    /// No space is left; the file is as it was.
    #[error("cannot write {path}: the disk is full ({source}); free some space, the former content is intact")]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system refuses to write it.
    #[error("cannot write {path}: {source}; check that its directory belongs to the user that nixfleet runs as")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process holds the lock of a log for too long.
    #[error(
        "cannot append to {path}: another process has held {lock_path} for {seconds} seconds; `fuser -v {lock_path}` names it"
    )]
    Locked {
        /// The log.
        path: PathBuf,
        /// Its lock.
        lock_path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// An entry cannot be written as it is.
    #[error("cannot append to {path}: the entry {problem}; this is a fault of the program that appends it")]
    InvalidEntry {
        /// The log.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl StateError {
    /// What the operating system said when this file was written.
    pub(super) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NoDirectory { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            _ => Self::Write { path, source },
        }
    }

    /// What the operating system said when this file was read.
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}

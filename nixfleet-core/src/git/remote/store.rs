//! The store of fetched objects: a bare repository of our own, so that the user's checkout is never written.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{Config, Repository, RepositoryInitOptions};

use super::RemoteError;
use crate::one_line::one_line;

/// Held by whoever writes to the store. It also marks a directory as a store of ours, which may be removed.
const LOCK_FILE: &str = "nixfleet.lock";

/// Written last: without it the store is not complete.
const COMPLETE_FILE: &str = "nixfleet-store";

/// Each fetch leaves one pack. With more than these the store is made anew, which costs one whole fetch.
const PACKS_MAXIMUM: usize = 100;

/// A place for the objects of the tracked branch. It is made when it is first needed, and may be removed at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteStore {
    path: PathBuf,
}

/// The right to write to a store, until it is dropped or the process ends.
pub(super) struct StoreLock {
    _file: File,
}

impl RemoteStore {
    /// The store at this path, such as `/var/lib/nixfleet/remote.git`. Nothing is done yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the store where it is missing or incomplete.
    pub(super) fn prepare(&self, deadline: Instant) -> Result<(), RemoteError> {
        if self.path.join(COMPLETE_FILE).is_file() {
            return Ok(());
        }
        let lock = self.lock(deadline)?;
        if self.path.join(COMPLETE_FILE).is_file() { Ok(()) } else { self.make_anew(&lock) }
    }

    /// Waits for the right to write, no longer than until `deadline`.
    pub(super) fn lock(&self, deadline: Instant) -> Result<StoreLock, RemoteError> {
        std::fs::create_dir_all(&self.path).map_err(|error| self.io_error(&error))?;
        let path = self.path.join(LOCK_FILE);
        let is_empty = || std::fs::read_dir(&self.path).map(|mut entries| entries.next().is_none());
        if !path.exists() && !is_empty().map_err(|error| self.io_error(&error))? && !path.exists() {
            let detail = "the directory has other content: name one that does not exist yet".to_owned();
            return Err(RemoteError::Store { path: self.path.clone(), detail });
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| self.io_error(&error))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(StoreLock { _file: file }),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(std::fs::TryLockError::WouldBlock) => return Err(RemoteError::Busy { path: self.path.clone() }),
                Err(std::fs::TryLockError::Error(error)) => return Err(self.io_error(&error)),
            }
        }
    }

    /// Removes all that was fetched and starts with an empty store.
    pub(super) fn make_anew(&self, _lock: &StoreLock) -> Result<(), RemoteError> {
        self.make_empty().map_err(|error| self.io_error(&error))?;
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).mkdir(false);
        Repository::init_opts(&self.path, &options).map_err(|error| self.git_error(&error))?;
        std::fs::write(self.path.join(COMPLETE_FILE), "1\n").map_err(|error| self.io_error(&error))
    }

    fn make_empty(&self) -> std::io::Result<()> {
        remove_file_if_there(&self.path.join(COMPLETE_FILE))?;
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == LOCK_FILE {
                continue;
            }
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                remove_file_if_there(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes what a killed fetch left behind; true where there are too many packs.
    pub(super) fn tidy(&self, _lock: &StoreLock) -> bool {
        // Nobody but the holder of our own lock works here: any other lock is left over.
        for directory in ["", "refs", "refs/nixfleet"] {
            for entry in std::fs::read_dir(self.path.join(directory)).into_iter().flatten().flatten() {
                let path = entry.path();
                let is_lock = path.extension().is_some_and(|extension| extension == "lock");
                if is_lock
                    && entry.file_name() != LOCK_FILE
                    && let Err(error) = std::fs::remove_file(&path)
                {
                    tracing::warn!("cannot remove {}: {error}", path.display());
                }
            }
        }
        let Ok(entries) = std::fs::read_dir(self.objects().join("pack")) else { return false };
        let mut packs = 0;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !name.starts_with("pack-") {
                if let Err(error) = std::fs::remove_file(entry.path()) {
                    tracing::warn!("cannot remove {}: {error}", entry.path().display());
                }
            } else if name.ends_with(".pack") {
                packs += 1;
            }
        }
        packs > PACKS_MAXIMUM
    }

    /// Removes the `FETCH_HEAD` that libgit2 leaves, empty, whatever it is told.
    pub(super) fn remove_fetch_head(&self, _lock: &StoreLock) {
        if let Err(error) = remove_file_if_there(&self.path.join("FETCH_HEAD")) {
            tracing::warn!("cannot remove FETCH_HEAD from {}: {error}", self.path.display());
        }
    }

    /// The directory of its objects.
    pub(super) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// Its configuration alone: that of the user and of the system could lead the connection elsewhere.
    pub(super) fn config(&self) -> Result<Config, git2::Error> {
        Config::open(&self.path.join("config"))
    }

    /// Opens it for a fetch.
    pub(super) fn open(&self) -> Result<Repository, git2::Error> {
        let repository = Repository::open_bare(&self.path)?;
        repository.set_config(&self.config()?)?;
        Ok(repository)
    }

    /// What cannot be done with it.
    pub(super) fn git_error(&self, error: &git2::Error) -> RemoteError {
        let said = one_line(error.message(), 300);
        let detail = if is_out_of_space(error) {
            format!("{said}; free some space")
        } else if error.code() == git2::ErrorCode::Owner {
            "it belongs to another user: run as its owner, or name another store".to_owned()
        } else {
            format!("{said}; check its permissions, or remove it: it is made anew")
        };
        RemoteError::Store { path: self.path.clone(), detail }
    }

    fn io_error(&self, error: &std::io::Error) -> RemoteError {
        let next = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space",
            _ => "check its path and permissions",
        };
        RemoteError::Store { path: self.path.clone(), detail: format!("{error}; {next}") }
    }
}

/// Whether the error is that of a full disk. libgit2 tells it only in the text of the system.
pub(super) fn is_out_of_space(error: &git2::Error) -> bool {
    ["No space left", "quota exceeded", "File too large"].iter().any(|text| error.message().contains(text))
}

fn remove_file_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

//! A lock that several processes take in turn, as a file of its own.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{StateError, atomic_file, regular_file};

/// A holder needs milliseconds. One that takes this long is stopped, and an operation must not hang because of it.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);

/// Held until the file is dropped. `path` is what it guards.
pub(super) fn lock(lock_path: &Path, path: &Path) -> Result<File, StateError> {
    // Nobody but a writer needs it, and who can open it can hold it.
    let file = open_or_create(lock_path, 0o600)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => std::thread::sleep(POLL),
            Err(TryLockError::WouldBlock) => {
                let (path, lock_path) = (path.to_owned(), lock_path.to_owned());
                return Err(StateError::Locked { path, lock_path, seconds: PATIENCE.as_secs() });
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(source)) => return Err(StateError::writing(lock_path, source)),
        }
    }
}

/// Opens the file to append to it, and makes it with this mode where there is none.
pub(super) fn open_or_create(path: &Path, mode: u32) -> Result<File, StateError> {
    let remedy = "nixfleet makes a new one";
    if let Some(file) = regular_file::open_to_append(path, remedy)? {
        return Ok(file);
    }
    atomic_file::create_if_absent(path, mode)?;
    let removed_again = || StateError::writing(path, io::Error::other("it was removed while it was being made"));
    regular_file::open_to_append(path, remedy)?.ok_or_else(removed_again)
}

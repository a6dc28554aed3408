//! Appending to a log: one line, one write, under a lock, on the disk before it returns.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic_file::{self, Durability};
use super::bounded_lines::MAXIMUM_LINE_BYTES;
use super::{StateError, regular_file};

/// A holder needs milliseconds. One that takes this long is stopped, and an operation must not hang because of it.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(2);

/// A log that is shortened when it has grown beyond a bound.
#[derive(Debug)]
pub(super) struct AppendLog {
    pub(super) path: PathBuf,
    /// A file of its own, as the log itself is replaced when it is shortened: who waited for a lock on the log would then
    /// write to a file that has no name any more.
    pub(super) lock_path: PathBuf,
    pub(super) maximum_bytes: u64,
}

impl AppendLog {
    /// Appends a line, given without its newline. `shorten` makes the content of a log that has grown beyond its bound.
    pub(super) fn append(
        &self,
        line: &[u8],
        shorten: impl FnOnce(&Path) -> Result<Vec<u8>, StateError>,
    ) -> Result<(), StateError> {
        if line.len() > MAXIMUM_LINE_BYTES {
            let problem = format!("has {} bytes, more than {MAXIMUM_LINE_BYTES}", line.len());
            return Err(StateError::InvalidEntry { path: self.path.clone(), problem });
        }
        let _lock = self.lock()?;
        let file = open_or_create(&self.path, 0o644)?;
        let bytes = append_line(&file, line).map_err(|source| StateError::writing(&self.path, source))?;
        if bytes > self.maximum_bytes {
            let shortened =
                shorten(&self.path).and_then(|log| atomic_file::replace(&self.path, &log, Durability::PowerLoss));
            if let Err(error) = shortened {
                // The entry itself is safe, and the next one tries again.
                tracing::warn!("cannot shorten {}: {error}", self.path.display());
            }
        }
        Ok(())
    }

    /// Held until the file is dropped.
    fn lock(&self) -> Result<File, StateError> {
        // Nobody but a writer needs it, and who can open it can hold it.
        let file = open_or_create(&self.lock_path, 0o600)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::WouldBlock) => {
                    let (path, lock_path) = (self.path.clone(), self.lock_path.clone());
                    return Err(StateError::Locked { path, lock_path, seconds: LOCK_PATIENCE.as_secs() });
                }
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::Error(source)) => return Err(StateError::writing(&self.lock_path, source)),
            }
        }
    }
}

fn open_or_create(path: &Path, mode: u32) -> Result<File, StateError> {
    let remedy = "nixfleet makes a new one";
    if let Some(file) = regular_file::open_to_append(path, remedy)? {
        return Ok(file);
    }
    atomic_file::create_if_absent(path, mode)?;
    let removed_again = || StateError::writing(path, io::Error::other("it was removed while it was being made"));
    regular_file::open_to_append(path, remedy)?.ok_or_else(removed_again)
}

/// Appends and returns the new size. Where that fails, nothing of the line stays.
fn append_line(mut file: &File, line: &[u8]) -> io::Result<u64> {
    let before = file.metadata()?.len();
    let mut text = Vec::with_capacity(line.len() + 2);
    if before > 0 {
        let mut last = [0];
        file.read_exact_at(&mut last, before - 1)?;
        if last != *b"\n" {
            // The writer of the last line was stopped in the middle of it: what follows must not be glued to it.
            text.push(b'\n');
        }
    }
    text.extend_from_slice(line);
    text.push(b'\n');
    if let Err(error) = file.write_all(&text).and_then(|()| file.sync_data()) {
        let _ = file.set_len(before);
        return Err(error);
    }
    Ok(before + text.len() as u64)
}

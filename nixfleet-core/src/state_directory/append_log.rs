//! Appending to a log: one line, one write, under a lock, on the disk before it returns.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::atomic_file::{self, Durability};
use super::bounded_lines::MAXIMUM_LINE_BYTES;
use super::{StateError, lock_file};

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
        let _lock = lock_file::lock(&self.lock_path, &self.path)?;
        let file = lock_file::open_or_create(&self.path, 0o644)?;
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

//! Read a small text file, whatever lies in its place.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::SystemRoot;

impl SystemRoot {
    /// The text of a regular file of at most this size. Everything else is as good as no file: it is only logged.
    pub(super) fn small_file(&self, inside: &Path, maximum_bytes: u64) -> Option<String> {
        let path = match self.resolve(inside) {
            Ok(resolved) => self.on_host(&resolved),
            Err(error) => {
                tracing::debug!(%error, "file left out");
                return None;
            }
        };
        match read(&path, maximum_bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                tracing::debug!(?path, %error, "file left out");
                None
            }
        }
    }
}

fn read(path: &Path, maximum_bytes: u64) -> io::Result<String> {
    // Without NONBLOCK a FIFO would be waited for until somebody writes to it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(maximum_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > maximum_bytes {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {maximum_bytes} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

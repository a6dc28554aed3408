//! Opening regular files and nothing else: a read never blocks on a FIFO and never follows a link.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::StateError;

/// Opens the file for reading; `None` where there is none.
pub(super) fn open_to_read(path: &Path, remedy: &'static str) -> Result<Option<File>, StateError> {
    open(path, OpenOptions::new().read(true), remedy, StateError::reading)
}

/// Opens the file for reading and appending; `None` where there is none.
pub(super) fn open_to_append(path: &Path, remedy: &'static str) -> Result<Option<File>, StateError> {
    open(path, OpenOptions::new().read(true).append(true), remedy, StateError::writing)
}

fn open(
    path: &Path,
    options: &mut OpenOptions,
    remedy: &'static str,
    error: fn(&Path, io::Error) -> StateError,
) -> Result<Option<File>, StateError> {
    let not_regular = |found: &'static str| StateError::NotARegularFile { path: path.to_owned(), found, remedy };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match options.custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        // What lies there tells more than the error of opening it: ELOOP of a link, EISDIR, ENXIO of a socket.
        Err(source) => {
            return Err(match path.symlink_metadata() {
                Ok(metadata) if !metadata.is_file() => not_regular(kind(metadata.file_type())),
                _ => error(path, source),
            });
        }
    };
    let metadata = file.metadata().map_err(|source| error(path, source))?;
    if metadata.is_file() { Ok(Some(file)) } else { Err(not_regular(kind(metadata.file_type()))) }
}

fn kind(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        "a directory"
    } else if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

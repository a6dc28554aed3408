//! Opening regular files and nothing else: a read never blocks on a FIFO and never follows a link, and nothing is written
//! to a file that is another one's, too, by a hard link. Root does so in a directory of another user.

use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

use super::StateError;

/// On some file systems a file is put in its place by a second name for it, for an instant. A reader asks again soon anyway, …
const READER_PATIENCE: [Duration; 3] =
    [Duration::from_millis(5), Duration::from_millis(20), Duration::from_millis(100)];

/// … and what a writer cannot write is lost: on a slow disk, or a machine under load, an instant takes a while.
const WRITER_PATIENCE: [Duration; 6] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Opens the file for reading; `None` where there is none.
pub(super) fn open_to_read(path: &Path, remedy: &'static str) -> Result<Option<File>, StateError> {
    open(path, OpenOptions::new().read(true), &READER_PATIENCE, remedy, StateError::reading)
}

/// Opens the file for reading and appending; `None` where there is none.
pub(super) fn open_to_append(path: &Path, remedy: &'static str) -> Result<Option<File>, StateError> {
    open(path, OpenOptions::new().read(true).append(true), &WRITER_PATIENCE, remedy, StateError::writing)
}

fn open(
    path: &Path,
    options: &mut OpenOptions,
    patience: &[Duration],
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
    for pause in patience.iter().map(Some).chain([None]) {
        let metadata = file.metadata().map_err(|source| error(path, source))?;
        if !metadata.is_file() {
            return Err(not_regular(kind(metadata.file_type())));
        }
        // None at all where it was replaced since: then it is the former one.
        if metadata.nlink() <= 1 {
            break;
        }
        let Some(pause) = pause else { return Err(not_regular("a file with more than one name (a hard link)")) };
        std::thread::sleep(*pause);
    }
    Ok(Some(file))
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

#[cfg(test)]
mod tests {
    use super::*;

    type Make<'a> = &'a dyn Fn();

    #[test]
    fn nothing_but_a_file_of_one_name_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let other = directory.path().join("secret");
        std::fs::write(&other, "secret").unwrap();
        let fifo = || rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o644.into()).unwrap();
        let table: [(Make<'_>, &str); 4] = [
            (&|| std::os::unix::fs::symlink(&other, &path).unwrap(), "is a symbolic link"),
            (&|| std::fs::hard_link(&other, &path).unwrap(), "is a file with more than one name (a hard link)"),
            (&fifo, "is a FIFO"),
            (&|| std::fs::create_dir(&path).unwrap(), "is a directory"),
        ];
        for (make, expected) in table {
            make();
            for open in [open_to_read, open_to_append] {
                let error = open(&path, "nixfleet makes a new one").unwrap_err().to_string();
                assert!(error.contains(expected) && error.contains("remove what is there"), "{error}");
            }
            std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path)).unwrap();
        }
        let device = open_to_read(Path::new("/dev/null"), "").unwrap_err().to_string();
        assert!(device.contains("is a device"), "{device}");
        assert!(open_to_append(&path, "").unwrap().is_none());
        std::fs::write(&path, "").unwrap();
        assert!(open_to_append(&path, "").unwrap().is_some());
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "secret");
    }

    #[test]
    fn a_second_name_of_an_instant_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let (path, temporary) = (directory.path().join("journal.jsonl"), directory.path().join(".journal.tmp"));
        std::fs::write(&temporary, "").unwrap();
        std::fs::hard_link(&temporary, &path).unwrap();
        let end = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            std::fs::remove_file(temporary).unwrap();
        });
        let opened = open_to_append(&path, "");
        end.join().unwrap();
        assert!(opened.unwrap().is_some());
    }
}

//! Replacing a file as a whole: whoever reads it sees the old content or the new, never a part.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::StateError;

/// A temporary file this old has no writer any more: writing takes seconds.
const LEFTOVER_AGE: Duration = Duration::from_hours(1);

/// What a file has to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Power loss: it is on the disk before the write returns.
    PowerLoss,
    /// The end of its writer only, on a file system in memory.
    WriterOnly,
}

/// Puts `contents` in the place of the file, readable by everyone, whatever the umask; writable by the group where the
/// directory is.
///
/// Several processes may do so at once; the last one wins. Where it fails, the former file is as it was.
pub(super) fn replace(path: &Path, contents: &[u8], durability: Durability) -> Result<(), StateError> {
    let failed = |source| StateError::writing(path, source);
    let mut temporary = temporary_beside(path, 0o644).map_err(failed)?;
    temporary.write_all(contents).map_err(failed)?;
    if durability == Durability::PowerLoss {
        temporary.as_file().sync_all().map_err(failed)?;
    }
    temporary.persist(path).map_err(|error| failed(error.error))?;
    if durability == Durability::PowerLoss {
        sync_directory_of(path).map_err(failed)?;
    }
    Ok(())
}

/// Makes an empty file with these permissions unless there is one, never one that is half made.
pub(super) fn create_if_absent(path: &Path, mode: u32) -> Result<(), StateError> {
    let failed = |source| StateError::writing(path, source);
    match temporary_beside(path, mode).map_err(failed)?.persist_noclobber(path) {
        Ok(_) => sync_directory_of(path).map_err(failed),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// A new file beside `path` that is removed again unless it is given that name.
fn temporary_beside(path: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let directory = directory_of(path);
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    remove_leftovers(directory, &prefix);
    let temporary = tempfile::Builder::new().prefix(&prefix).suffix(TEMPORARY_SUFFIX).tempfile_in(directory)?;
    let mode = if is_shared(directory) { with_group(mode) } else { mode };
    temporary.as_file().set_permissions(Permissions::from_mode(mode))?;
    give_to_owner(temporary.as_file(), directory)?;
    Ok(temporary)
}

const TEMPORARY_SUFFIX: &str = ".tmp";

/// Whether those of the directory's group write in it as its owner does.
pub(super) fn is_shared(directory: &Path) -> bool {
    directory.metadata().is_ok_and(|metadata| metadata.mode() & 0o020 != 0)
}

/// The permissions, with the owner's for the group.
pub(super) const fn with_group(mode: u32) -> u32 {
    mode | (mode & 0o700) >> 3
}

/// Only the activation and the rollback run as root. What they write must stay writable for the others, who run as the
/// directory's owner.
fn give_to_owner(file: &File, directory: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = directory.metadata()?;
    if owner.uid() != 0
        && let Err(error) = fchown(file, Some(owner.uid()), Some(owner.gid()))
    {
        // Root without the right to do so (a container): what is to be recorded matters more than who owns it.
        tracing::warn!("cannot give a file in {} to the directory's owner: {error}", directory.display());
    }
    Ok(())
}

/// Removes what a crash left of earlier writes. That it cannot be removed is no reason not to write.
fn remove_leftovers(directory: &Path, prefix: &OsString) {
    let Ok(entries) = directory.read_dir() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let (name, prefix) = (name.as_encoded_bytes(), prefix.as_encoded_bytes());
        if name.starts_with(prefix)
            && name.ends_with(TEMPORARY_SUFFIX.as_bytes())
            && let Ok(metadata) = entry.metadata()
            && metadata.is_file()
            && let Ok(modified) = metadata.modified()
            && SystemTime::now().duration_since(modified).is_ok_and(|age| age > LEFTOVER_AGE)
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A name in a directory survives power loss only once the directory itself is on the disk.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_content_and_leaves_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("remote.json");
        for content in ["one", "two"] {
            replace(&path, content.as_bytes(), Durability::PowerLoss).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn where_a_group_writes_the_files_are_for_the_group() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o755, (0o644, 0o600)), (0o2775, (0o664, 0o660))] {
            std::fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
            let (file, lock) = (directory.path().join("remote.json"), directory.path().join(format!("{mode}.lock")));
            replace(&file, b"{}", Durability::WriterOnly).unwrap();
            create_if_absent(&lock, 0o600).unwrap();
            let mode_of = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode_of(&file), mode_of(&lock)), expected);
        }
    }

    #[test]
    fn removes_old_leftovers_of_the_same_file_only() {
        let directory = tempfile::tempdir().unwrap();
        let make = |name: &str, age: Duration| {
            let file = File::create(directory.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        make(".remote.json.old.tmp", LEFTOVER_AGE + Duration::from_mins(1));
        make(".remote.json.new.tmp", Duration::from_mins(1));
        make(".tests.json.old.tmp", LEFTOVER_AGE * 2);
        make(".remote.json.notes", LEFTOVER_AGE * 2);
        replace(&directory.path().join("remote.json"), b"{}", Durability::WriterOnly).unwrap();
        let mut names: Vec<_> = directory.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".remote.json.new.tmp", ".remote.json.notes", ".tests.json.old.tmp", "remote.json"]);
    }

    #[test]
    fn an_existing_file_is_not_created_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        create_if_absent(&path, 0o644).unwrap();
        std::fs::write(&path, "kept").unwrap();
        create_if_absent(&path, 0o644).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
    }

    #[test]
    fn a_missing_directory_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let error = replace(&directory.path().join("gone/remote.json"), b"{}", Durability::PowerLoss).unwrap_err();
        assert!(matches!(error, StateError::NoDirectory { .. }), "{error}");
    }
}

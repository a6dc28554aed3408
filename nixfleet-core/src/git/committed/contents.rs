//! All that is below a tree, with its size, before anything of it is written.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use git2::{Oid, Repository};

use super::found::{COMMIT, DIRECTORY, LINK};
use super::is_plain;
use super::write_out::WriteOutBounds;

/// One entry, by its path below the top of the commit. A directory comes before what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Directory(PathBuf),
    File { path: PathBuf, id: Oid, is_executable: bool },
    Link { path: PathBuf, id: Oid },
}

/// Why it is not listed.
#[derive(Debug)]
pub(super) enum NotListed {
    TooLarge,
    /// An entry with a name that no file can have, in this directory.
    BadName(PathBuf),
    Git(git2::Error),
}

impl From<git2::Error> for NotListed {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

/// All entries below the tree that lies at `path`, no more than the bounds allow.
pub(super) fn list(
    view: &Repository,
    tree: Oid,
    path: PathBuf,
    bounds: WriteOutBounds,
) -> Result<Vec<Entry>, NotListed> {
    let objects = view.odb()?;
    let (mut entries, mut bytes) = (Vec::new(), 0_u64);
    let mut trees = vec![(tree, path)];
    while let Some((tree, directory)) = trees.pop() {
        for entry in &view.find_tree(tree)? {
            if !is_plain(entry.name_bytes()) {
                return Err(NotListed::BadName(directory));
            }
            let (path, id) = (directory.join(OsStr::from_bytes(entry.name_bytes())), entry.id());
            let mode = entry.filemode();
            if !matches!(mode, DIRECTORY | COMMIT) {
                let (size, _) = objects.read_header(id)?;
                bytes = bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
            }
            if mode == DIRECTORY {
                trees.push((id, path.clone()));
            }
            entries.push(match mode {
                // An empty directory, as Git checks out a submodule that nobody has fetched.
                DIRECTORY | COMMIT => Entry::Directory(path),
                LINK => Entry::Link { path, id },
                mode => Entry::File { path, id, is_executable: mode & 0o111 != 0 },
            });
            if entries.len() > bounds.files || bytes > bounds.bytes {
                return Err(NotListed::TooLarge);
            }
        }
    }
    Ok(entries)
}

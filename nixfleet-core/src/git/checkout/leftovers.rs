//! New files that a pull made before it was cut off: to libgit2 they look like somebody's own, which are never overwritten.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, Tree};

/// Removes these files, so that the pull makes them again; none where one of them is no leftover of a pull of `target`.
pub(super) fn remove(repository: &Repository, target: Oid, files: &[PathBuf]) -> bool {
    let Some(root) = repository.workdir() else { return false };
    let Ok(tree) = repository.find_commit(target).and_then(|commit| commit.tree()) else { return false };
    let head = repository.head().and_then(|head| head.peel_to_tree()).ok();
    let is_new = |file: &Path| head.as_ref().is_none_or(|head| head.get_path(file).is_err());
    let are_leftovers = files.iter().all(|file| is_new(file) && is_begin_of(repository, &tree, root, file));
    !files.is_empty() && are_leftovers && files.iter().all(|file| fs::remove_file(root.join(file)).is_ok())
}

/// Whether the file has nothing but what the commit has there: all of it, or what of it came onto the disk.
fn is_begin_of(repository: &Repository, tree: &Tree<'_>, root: &Path, file: &Path) -> bool {
    let Ok(blob) = tree.get_path(file).and_then(|entry| repository.find_blob(entry.id())) else { return false };
    let path = root.join(file);
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            fs::read_link(path).is_ok_and(|target| target.as_os_str().as_bytes() == blob.content())
        }
        Ok(metadata) if metadata.is_file() && metadata.len() <= blob.size() as u64 => {
            fs::read(path).is_ok_and(|content| blob.content().starts_with(&content))
        }
        _ => false,
    }
}

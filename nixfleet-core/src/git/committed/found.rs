//! What lies at a path of a commit, symbolic links followed as the kernel would in a checkout, and never out of it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use git2::{Oid, Repository};

/// As many links as Linux follows for one path.
const LINKS_MAXIMUM: usize = 40;

/// As long as Linux lets the target of a link be.
const LINK_BYTES_MAXIMUM: usize = 4096;

/// The modes of a tree's entries, as Git has them.
pub(super) const DIRECTORY: i32 = 0o040_000;
pub(super) const LINK: i32 = 0o120_000;
/// A commit of another repository: a submodule, which has no files here.
pub(super) const COMMIT: i32 = 0o160_000;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Directory(Oid),
    File { is_executable: bool },
}

/// None where there is nothing, or where a link leads out of the tree.
pub(super) fn find(view: &Repository, tree: Oid, path: &Path) -> Result<Option<Found>, git2::Error> {
    let mut links = 0;
    // From the tree at the top to the one that it is in.
    let mut trees = vec![tree];
    // What is still to be walked, the next part last.
    let mut parts: Vec<Vec<u8>> = parts_of(path.as_os_str().as_bytes());
    while let Some(part) = parts.pop() {
        let Some(here) = trees.last().copied() else { return Ok(None) };
        match &*part {
            b"" | b"." => continue,
            b".." => {
                trees.pop();
                continue;
            }
            _ => {}
        }
        let here = view.find_tree(here)?;
        let Some(entry) = here.get_name_bytes(&part) else { return Ok(None) };
        match entry.filemode() {
            DIRECTORY => trees.push(entry.id()),
            COMMIT => return Ok(None),
            LINK => {
                links += 1;
                let Some(target) = target(view, entry.id())?.filter(|_| links <= LINKS_MAXIMUM) else {
                    return Ok(None);
                };
                if target.first().is_none_or(|first| *first == b'/') {
                    return Ok(None);
                }
                parts.append(&mut parts_of(&target));
            }
            mode => {
                let is_executable = mode & 0o111 != 0;
                return Ok(parts.is_empty().then_some(Found::File { is_executable }));
            }
        }
    }
    Ok(trees.last().copied().map(Found::Directory))
}

fn parts_of(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

/// Where the link leads; none where it is longer than a link can be.
fn target(view: &Repository, link: Oid) -> Result<Option<Vec<u8>>, git2::Error> {
    let objects = view.odb()?;
    let (bytes, _) = objects.read_header(link)?;
    if bytes >= LINK_BYTES_MAXIMUM {
        return Ok(None);
    }
    Ok(Some(objects.read(link)?.data().to_vec()))
}

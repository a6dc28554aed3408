//! Several object stores, seen as one and never written.

use std::path::{Path, PathBuf};

use git2::{Odb, Repository};

use super::local;

/// The object directory of the repository that `path` is or lies in, where it can be opened.
pub(super) fn object_directory(path: &Path) -> Option<PathBuf> {
    let repository = local::open(path).ok()??;
    Some(repository.commondir().join("objects"))
}

/// A repository without references and configuration that reads from these object directories.
///
/// libgit2 calls them alternates; they are known to this value only, nothing is written to any of them.
pub(super) fn object_view(object_directories: &[PathBuf]) -> Result<Repository, git2::Error> {
    let objects = Odb::new()?;
    for directory in object_directories.iter().filter(|directory| directory.is_dir()) {
        let directory = directory
            .to_str()
            .ok_or_else(|| git2::Error::from_str("the path of the repository is not UTF-8: move it to one that is"))?;
        objects.add_disk_alternate(directory)?;
    }
    Repository::from_odb(objects)
}

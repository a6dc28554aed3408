//! The files of one commit, read from the object database: whatever lies in the work tree does not matter.

mod contents;
mod error;
mod found;
mod write_out;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository};

use super::RepositoryError;
use super::object_view::object_view;
use crate::Revision;

pub use error::WriteOutError;
use found::{Found, find};
pub use write_out::{WriteOutBounds, WrittenOut};

/// The files of one commit.
pub struct CommittedFiles {
    view: Repository,
    tree: Oid,
    revision: Revision,
    repository: PathBuf,
}

impl CommittedFiles {
    /// The commit of the repository that `path` is; none where it does not have it, or is no repository.
    ///
    /// The object database is all that is read: neither the owner of the repository nor a damaged HEAD matters.
    pub fn open(path: &Path, revision: &Revision) -> Result<Option<Self>, RepositoryError> {
        let Ok(id) = Oid::from_str(revision.as_str()) else { return Ok(None) };
        let unreadable = |error| RepositoryError::unreadable(&format!("commit {}", revision.short()), path, error);
        let objects = Repository::open(path)
            .map_or_else(|_| path.join(".git/objects"), |repository| repository.commondir().join("objects"));
        let view = object_view(&[objects]).map_err(unreadable)?;
        let tree = match view.find_commit(id) {
            Ok(commit) => commit.tree_id(),
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        Ok(Some(Self { view, tree, revision: revision.clone(), repository: path.to_owned() }))
    }

    /// The commit.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The names of the executable files in this directory of the commit, sorted; none where there is no such directory.
    ///
    /// A symbolic link counts as what it leads to. One that leads out of the commit leads nowhere.
    pub fn executables(&self, directory: &Path) -> Result<Option<Vec<OsString>>, RepositoryError> {
        let unreadable = |error| self.unreadable(directory, error);
        let Some(Found::Directory(id)) = find(&self.view, self.tree, directory).map_err(unreadable)? else {
            return Ok(None);
        };
        let mut executables = Vec::new();
        for entry in &self.view.find_tree(id).map_err(unreadable)? {
            let name = entry.name_bytes();
            if !is_plain(name) {
                continue;
            }
            let path = directory.join(OsStr::from_bytes(name));
            if let Some(Found::File { is_executable: true }) = find(&self.view, self.tree, &path).map_err(unreadable)? {
                executables.push(OsString::from_vec(name.to_vec()));
            }
        }
        executables.sort();
        Ok(Some(executables))
    }

    fn unreadable(&self, path: &Path, error: git2::Error) -> RepositoryError {
        let what = format!("{} at {}", path.display(), self.revision.short());
        RepositoryError::unreadable(&what, &self.repository, error)
    }
}

impl std::fmt::Debug for CommittedFiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CommittedFiles")
            .field("revision", &self.revision)
            .field("repository", &self.repository)
            .finish_non_exhaustive()
    }
}

/// Whether it is the name of one file. Git writes no other, but a tree is only bytes that somebody made.
fn is_plain(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0)
}

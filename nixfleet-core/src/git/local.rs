//! The local repository as it is found.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use git2::{ErrorClass, ErrorCode, Repository, RepositoryOpenFlags, StatusOptions};

use super::RepositoryError;
use crate::observation::{LocalRepository, Reading};

/// Looks at the repository that `path` is, or lies in.
///
/// Absent where `path` does not exist. Uncommitted changes are counted as `git status --porcelain
/// --untracked-files=all --ignore-submodules=all` lists them, but for renames, which count as two; they are absent where
/// a changed file may not be read. The index is not refreshed: nothing is written, and a lock on the index does not matter.
#[must_use]
pub fn observe_repository(path: &Path) -> Reading<LocalRepository> {
    observe(path).into()
}

fn observe(path: &Path) -> Result<Option<LocalRepository>, RepositoryError> {
    let Some(repository) = open(path)? else { return Ok(None) };
    let root = root(&repository);
    let (head, branch) = head(&repository, &root)?;
    let uncommitted_changes = if repository.is_bare() { None } else { count_changes(&repository, &root)? };
    Ok(Some(LocalRepository { head, branch, uncommitted_changes, shallow: repository.is_shallow(), path: root }))
}

/// The commit that HEAD is at; none where `path` does not exist, or has no commit yet.
pub fn head_of(path: &Path) -> Result<Option<crate::Revision>, RepositoryError> {
    let Some(repository) = open(path)? else { return Ok(None) };
    Ok(head(&repository, &root(&repository))?.0)
}

/// Opens the repository that `path` is or lies in; none where `path` does not exist.
pub(super) fn open(path: &Path) -> Result<Option<Repository>, RepositoryError> {
    let no_ceilings: [&OsStr; 0] = [];
    match Repository::open_ext(path, RepositoryOpenFlags::empty(), no_ceilings) {
        Ok(repository) => Ok(Some(repository)),
        Err(_) if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(RepositoryError::opening(path, error)),
    }
}

/// The work tree; the repository itself where it is bare.
pub(super) fn root(repository: &Repository) -> PathBuf {
    // Through its components, because libgit2 ends a directory's path with a slash.
    repository.workdir().unwrap_or_else(|| repository.path()).components().collect()
}

fn head(repository: &Repository, root: &Path) -> Result<(Option<crate::Revision>, Option<String>), RepositoryError> {
    let unreadable = |error| RepositoryError::unreadable("HEAD", root, error);
    let branch = current_branch(repository).map_err(unreadable)?;
    match repository.head() {
        Ok(reference) => {
            let commit = reference.peel_to_commit().map_err(unreadable)?;
            Ok((Some(commit.id().into()), branch))
        }
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok((None, branch)),
        Err(error) => Err(unreadable(error)),
    }
}

/// The branch that HEAD is on, also where it has no commit yet; none where HEAD is detached.
pub(super) fn current_branch(repository: &Repository) -> Result<Option<String>, git2::Error> {
    let head = repository.find_reference("HEAD")?;
    let target = head.symbolic_target()?.unwrap_or_default();
    Ok(target.strip_prefix("refs/heads/").map(str::to_owned))
}

fn count_changes(repository: &Repository, root: &Path) -> Result<Option<u64>, RepositoryError> {
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .recurse_untracked_dirs(true)
        .include_ignored(false)
        .exclude_submodules(true)
        .update_index(false);
    match repository.statuses(Some(&mut options)) {
        Ok(statuses) => Ok(Some(u64::try_from(statuses.len()).unwrap_or(u64::MAX))),
        // A file of the work tree that this user may not read, such as a secret, says nothing about the commits.
        Err(error) if error.class() == ErrorClass::Os => {
            tracing::warn!("the changes in the work tree {} are not counted: {}", root.display(), error.message());
            Ok(None)
        }
        Err(error) => Err(RepositoryError::unreadable("the changes in the work tree", root, error)),
    }
}

//! A commit from the first digits of its id.

use std::path::Path;

use git2::ErrorCode;

use super::object_view::{object_directory, object_view};
use super::{RemoteStore, RepositoryError};
use crate::Revision;
use crate::one_line::one_line;

/// The fewest digits that name a commit, as with Git.
pub const ABBREVIATION_MINIMUM_DIGITS: usize = 4;

/// The text names no commit, or several.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// It is not the beginning of an id.
    #[error("{0:?} is not a commit id: give four or more hexadecimal digits, as `git log --oneline` shows them")]
    NotAnId(String),
    /// No commit begins so.
    #[error(
        "no commit of the checkout begins with {0}: `nixfleet pull` on a host, or `git fetch`, brings new ones; or give all digits of the id"
    )]
    NotFound(String),
    /// Several objects begin so.
    #[error("several objects of the checkout begin with {0}: give more digits")]
    Ambiguous(String),
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// The commit whose id begins with these digits, in the local repository or in what was fetched from the remote.
pub fn resolve_abbreviated(
    local_repository: &Path,
    store: Option<&RemoteStore>,
    digits: &str,
) -> Result<Revision, ResolveError> {
    let is_id = digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        && (ABBREVIATION_MINIMUM_DIGITS..=64).contains(&digits.len());
    if !is_id {
        return Err(ResolveError::NotAnId(one_line(digits, 80)));
    }
    let unreadable = |error| RepositoryError::unreadable("the commits", local_repository, error);
    let directories: Vec<_> =
        object_directory(local_repository).into_iter().chain(store.map(|store| store.path().join("objects"))).collect();
    let objects = object_view(&directories).map_err(unreadable)?;
    match objects.find_commit_by_prefix(&digits.to_ascii_lowercase()) {
        Ok(commit) => Ok(commit.id().into()),
        Err(error) => match error.code() {
            // Objects of another kind are none that could be meant.
            ErrorCode::NotFound | ErrorCode::InvalidSpec => Err(ResolveError::NotFound(digits.to_owned())),
            ErrorCode::Ambiguous => Err(ResolveError::Ambiguous(digits.to_owned())),
            _ => Err(unreadable(error).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commits_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init(directory.path()).unwrap();
        let tree = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let author = git2::Signature::new("Alice", "alice@example.org", &git2::Time::new(0, 0)).unwrap();
        let id = repository.commit(Some("HEAD"), &author, &author, "first", &tree, &[]).unwrap().to_string();
        let resolve = |digits: &str| resolve_abbreviated(directory.path(), None, digits);
        for length in [4, 7, 39, 40] {
            assert_eq!(resolve(&id[..length]).unwrap().as_str(), id, "{length}");
        }
        assert_eq!(resolve(&id[..7].to_uppercase()).unwrap().as_str(), id);
        for wrong in ["", "abc", "HEAD", "main~1", "--all", &"x".repeat(10_000)] {
            assert!(matches!(resolve(wrong), Err(ResolveError::NotAnId(_))), "{wrong}");
        }
        let tree = tree.id().to_string();
        for unknown in ["0000000", &tree[..7]] {
            assert!(matches!(resolve(unknown), Err(ResolveError::NotFound(_))), "{unknown}: {:?}", resolve(unknown));
        }
        let elsewhere = resolve_abbreviated(&directory.path().join("nothing"), None, "abcdef0");
        assert!(matches!(elsewhere, Err(ResolveError::NotFound(_))), "{elsewhere:?}");
    }
}

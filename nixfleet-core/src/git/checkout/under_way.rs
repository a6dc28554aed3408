//! A pull that was cut off: what it left is brought to its end, or taken away.

use std::path::Path;

use git2::{Oid, Repository};
use jiff::Timestamp;

/// The commit that a pull is about to check out: set before the first file is changed, gone when the branch has moved.
const REFERENCE: &str = "refs/nixfleet/pulling";

/// Notes that the files are about to become those of `target`.
pub(super) fn begin(repository: &Repository, target: Oid) -> Result<(), git2::Error> {
    repository.reference(REFERENCE, target, true, "nixfleet: pull").map(drop)
}

/// The branch is where the files are, or the files were left as they are.
pub(super) fn end(repository: &Repository) -> Result<(), git2::Error> {
    match repository.find_reference(REFERENCE) {
        Ok(mut reference) => reference.delete(),
        Err(_) => Ok(()),
    }
}

/// The commit of a pull that never ended: some or all files are its, and the branch is not.
pub(super) fn target(repository: &Repository) -> Option<Oid> {
    repository.refname_to_id(REFERENCE).ok()
}

/// Removes the locks that a pull left which was cut off: those that were made in this time. Only for a checkout that nobody
/// else works in.
pub fn remove_locks_made_between(checkout: &Path, branch: &str, from: Timestamp, until: Timestamp) {
    let git = checkout.join(".git");
    let references = [format!("refs/heads/{branch}"), format!("refs/remotes/origin/{branch}"), REFERENCE.to_owned()];
    let names = ["index", "HEAD", "config", "packed-refs"].map(str::to_owned).into_iter().chain(references);
    for lock in names.map(|name| git.join(format!("{name}.lock"))) {
        let made = lock.symlink_metadata().ok().filter(std::fs::Metadata::is_file).and_then(|it| it.modified().ok());
        let made = made.and_then(|made| Timestamp::try_from(made).ok());
        if made.is_some_and(|made| from <= made && made < until) {
            match std::fs::remove_file(&lock) {
                Ok(()) => tracing::warn!("removed {}: a pull that was cut off left it", lock.display()),
                Err(error) => tracing::warn!("cannot remove {}: {error}", lock.display()),
            }
        }
    }
}

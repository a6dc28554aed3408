//! What a branch would hold without one commit's changes. Nothing is checked out and no reference is moved.

use std::path::Path;

use git2::{Commit, ErrorCode, Index, Oid, Repository};

use super::{RepositoryError, local};
use crate::Revision;
use crate::one_line::one_line;

/// The content of the reverting commit, written to the repository's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert {
    /// The tree's id.
    pub tree: String,
    /// The message, as `git revert` writes it.
    pub message: String,
    /// First line of the message of the commit that is reverted.
    pub reverted_subject: String,
    /// Whether there is nothing to revert: the branch does not hold the changes any more.
    pub is_done_already: bool,
}

/// Why it cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevertError {
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// There is no such repository.
    #[error("there is no Git repository at {0}: name a checkout with --repo")]
    NoRepository(String),
    /// The commit is not in the branch.
    #[error("the commit {} is not in the branch, whose tip is {}: nothing is to be reverted there", commit.short(), tip.short())]
    NotInBranch {
        /// The commit.
        commit: Revision,
        /// The branch's tip.
        tip: Revision,
    },
    /// It is the first commit.
    #[error("the commit {} has no parent: there is nothing to go back to", .0.short())]
    NoParent(Revision),
    /// Later commits changed the same lines.
    #[error("reverting {} conflicts with later commits in {files}: revert it by hand with `git revert` (of a merge: `git revert --mainline 1`)", commit.short())]
    Conflicts {
        /// The commit.
        commit: Revision,
        /// Some of the files.
        files: String,
    },
}

/// The parents of a commit that the repository has.
pub fn parents(path: &Path, commit: &Revision) -> Result<Vec<Revision>, RevertError> {
    let repository = local::open(path)?.ok_or_else(|| RevertError::NoRepository(path.display().to_string()))?;
    let found = Oid::from_str(commit.as_str()).and_then(|id| repository.find_commit(id));
    let found = found.map_err(|error| RepositoryError::unreadable("the commits", path, error))?;
    Ok(found.parent_ids().map(Revision::from).collect())
}

/// Whether `tip`, which comes after `commit` or is it, does not hold its changes any more. Nothing is written.
pub fn is_taken_back(path: &Path, tip: &Revision, commit: &Revision) -> Result<bool, RevertError> {
    let repository = local::open(path)?.ok_or_else(|| RevertError::NoRepository(path.display().to_string()))?;
    let unreadable = |error| RepositoryError::unreadable("the commits", path, error);
    let (tip_commit, _, index) = without(&repository, path, tip, commit)?;
    let tree = tip_commit.tree().map_err(unreadable)?;
    let left = repository.diff_tree_to_index(Some(&tree), Some(&index), None).map_err(unreadable)?;
    Ok(left.deltas().len() == 0)
}

/// Reverts `commit`, which `tip` reaches, on top of `tip`. Of a merge, what it brought to its first parent is reverted.
pub fn revert(path: &Path, tip: &Revision, commit: &Revision) -> Result<Revert, RevertError> {
    let repository = local::open(path)?.ok_or_else(|| RevertError::NoRepository(path.display().to_string()))?;
    let (tip_commit, reverted, mut index) = without(&repository, path, tip, commit)?;
    let tree =
        index.write_tree_to(&repository).map_err(|error| RepositoryError::unreadable("the commits", path, error))?;
    let subject = one_line(&String::from_utf8_lossy(reverted.summary_bytes().unwrap_or_default()), 200);
    Ok(Revert {
        tree: tree.to_string(),
        message: message(&reverted, &subject, reverted.parent_count()),
        reverted_subject: subject,
        is_done_already: tree == tip_commit.tree_id(),
    })
}

/// Both commits, and what `tip` would hold without `commit`.
fn without<'a>(
    repository: &'a Repository,
    path: &Path,
    tip: &Revision,
    commit: &Revision,
) -> Result<(Commit<'a>, Commit<'a>, Index), RevertError> {
    let unreadable = |error| RepositoryError::unreadable("the commits", path, error);
    let find = |revision: &Revision| -> Result<Commit<'a>, git2::Error> {
        repository.find_commit(Oid::from_str(revision.as_str())?)
    };
    let tip_commit = find(tip).map_err(unreadable)?;
    let not_in_branch = || RevertError::NotInBranch { commit: commit.clone(), tip: tip.clone() };
    let reverted = match find(commit) {
        Err(error) if error.code() == ErrorCode::NotFound => return Err(not_in_branch()),
        found => found.map_err(unreadable)?,
    };
    let is_reached = reverted.id() == tip_commit.id()
        || repository.graph_descendant_of(tip_commit.id(), reverted.id()).map_err(unreadable)?;
    if !is_reached {
        return Err(not_in_branch());
    }
    let mainline = match reverted.parent_count() {
        0 => return Err(RevertError::NoParent(commit.clone())),
        1 => 0,
        _ => 1,
    };
    let index = repository.revert_commit(&reverted, &tip_commit, mainline, None).map_err(unreadable)?;
    if index.has_conflicts() {
        return Err(RevertError::Conflicts { commit: commit.clone(), files: conflicts(&index) });
    }
    Ok((tip_commit, reverted, index))
}

fn message(reverted: &Commit<'_>, subject: &str, parents: usize) -> String {
    let id = reverted.id();
    match reverted.parent_id(0) {
        Ok(parent) if parents > 1 => {
            format!("Revert \"{subject}\"\n\nThis reverts commit {id}, reversing\nchanges made to {parent}.\n")
        }
        _ => format!("Revert \"{subject}\"\n\nThis reverts commit {id}.\n"),
    }
}

fn conflicts(index: &Index) -> String {
    const NAMED: usize = 5;
    let Ok(conflicts) = index.conflicts() else { return "some files".to_owned() };
    let names = conflicts.flatten().filter_map(|conflict| conflict.our.or(conflict.their).or(conflict.ancestor));
    let names: Vec<String> =
        names.map(|entry| one_line(&String::from_utf8_lossy(&entry.path), 200)).take(NAMED).collect();
    names.join(", ")
}

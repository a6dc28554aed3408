//! Fast-forward of a checkout to the tip that was observed.

use std::path::{Path, PathBuf};

use git2::build::CheckoutBuilder;
use git2::{CheckoutNotificationType, ErrorCode, Oid, Repository, RepositoryInitOptions};

use super::CheckoutError;
use super::objects::bring;
use super::{leftovers, under_way};
use crate::Revision;
use crate::git::{RemoteStore, RepositoryError, local};
use crate::observation::RemoteCommit;
use crate::one_line::disturbs;

/// What to do where the remote's branch was rewritten, so that local HEAD is not part of it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewrittenBranch {
    /// It is an error: a person looks first.
    Refuse,
    /// Take the remote's, for a checkout that nobody works in. Changes that are not committed are an error all the same.
    Take,
}

/// What became of the checkout's HEAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where it was; absent for a new checkout.
    pub from: Option<Revision>,
    /// Where it is.
    pub to: Revision,
}

/// Brings the checkout at `path` to `tip`, whose objects `store` holds, and makes the checkout where there is none.
///
/// It goes forward only; local commits that the remote does not have yet are left as they are. Files that have changes,
/// and untracked ones, are never overwritten. No hook and no filter is run. A crash at any point leaves a checkout that
/// the next call brings forward: files first, then the branch. Where the files were changed and the branch was not, it does
/// that first, so that they do not pass for local changes.
pub fn fast_forward(
    path: &Path,
    store: &RemoteStore,
    tip: &RemoteCommit,
    rewritten: RewrittenBranch,
) -> Result<Moved, CheckoutError> {
    let repository = open_or_make(path, tip)?;
    let root = local::root(&repository);
    if repository.is_bare() {
        return Err(CheckoutError::Bare { path: root });
    }
    let failed = |error| CheckoutError::write(&root, &tip.revision, error);
    let unreadable = |error| RepositoryError::unreadable("HEAD", &root, error);
    let branch = local::current_branch(&repository).map_err(unreadable)?;
    if branch.as_ref() != Some(&tip.branch) {
        let found = branch.map_or_else(|| "no branch".to_owned(), |branch| format!("the branch {branch}"));
        return Err(CheckoutError::OtherBranch { path: root, found, tracked: tip.branch.clone() });
    }
    let head = head_of(&repository)?;
    let target = Oid::from_str(tip.revision.as_str()).map_err(failed)?;
    let from = head.map(Revision::from);
    let head = finish_what_was_cut_off(&repository, &root, head, tip, rewritten)?;
    if !bring(&repository, store, target, head).map_err(failed)? {
        return Err(CheckoutError::NotFetched(tip.revision.clone()));
    }
    // libgit2 looks for new packs only when it misses an object; a fresh handle has them all.
    let repository = Repository::open(repository.path()).map_err(failed)?;
    if let Some(head) = head.filter(|head| *head != target) {
        if repository.graph_descendant_of(head, target).map_err(failed)? {
            return Ok(Moved { from: from.clone(), to: head.into() });
        }
        let forward = repository.graph_descendant_of(target, head).map_err(failed)?;
        if !forward && rewritten == RewrittenBranch::Refuse {
            return Err(CheckoutError::Diverged { path: root, tip: tip.revision.clone() });
        }
    }
    move_to(&repository, &root, target, tip)?;
    Ok(Moved { from, to: tip.revision.clone() })
}

/// The commit of HEAD; none where there is no commit yet.
fn head_of(repository: &Repository) -> Result<Option<Oid>, RepositoryError> {
    let unreadable = |error| RepositoryError::unreadable("HEAD", &local::root(repository), error);
    match repository.head() {
        Ok(reference) => Ok(Some(reference.peel_to_commit().map_err(unreadable)?.id())),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

/// Files first, then the branch.
fn move_to(repository: &Repository, root: &Path, target: Oid, tip: &RemoteCommit) -> Result<(), CheckoutError> {
    let failed = |error| CheckoutError::write(root, &tip.revision, error);
    let is_continued = under_way::target(repository) == Some(target);
    under_way::begin(repository, target).map_err(failed)?;
    let checked_out = match check_out(repository, root, target, tip) {
        Err(refusal) if is_continued && leftovers::remove(repository, target, &refusal.conflicts) => {
            check_out(repository, root, target, tip)
        }
        checked_out => checked_out,
    };
    let checked_out = checked_out.map_err(|refusal| *refusal.error);
    if matches!(checked_out, Err(CheckoutError::LocalChanges { .. } | CheckoutError::Locked { .. })) {
        // No file was changed.
        under_way::end(repository).map_err(failed)?;
    }
    checked_out?;
    repository
        .reference(&format!("refs/heads/{}", tip.branch), target, true, "nixfleet: pull")
        .and_then(|_| {
            repository.reference(&format!("refs/remotes/origin/{}", tip.branch), target, true, "nixfleet: pull")
        })
        .and_then(|_| under_way::end(repository))
        .map_err(failed)
}

/// The commit that [`fast_forward`] brings first, because an earlier one was cut off between the files and the branch; absent
/// where none was. Whoever takes signed commits only has to check it as well: it need not be a part of what is pulled now.
pub(in crate::git) fn unfinished_target(
    path: &Path,
    rewritten: RewrittenBranch,
) -> Result<Option<Revision>, RepositoryError> {
    let is_empty = path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    let Some(repository) = (if is_empty { None } else { local::open(path)? }) else { return Ok(None) };
    let head = head_of(&repository)?;
    Ok(to_finish(&repository, head, rewritten).map(Revision::from))
}

/// What is left to be brought to its end. Where somebody moved HEAD since, so that it would not be forward any more, that
/// is nothing.
fn to_finish(repository: &Repository, head: Option<Oid>, rewritten: RewrittenBranch) -> Option<Oid> {
    let target = under_way::target(repository)?;
    let Some(head) = head else { return Some(target) };
    let is_after = |one, other| repository.graph_descendant_of(one, other).unwrap_or(false);
    // What HEAD has already is older, and not taken of a rewritten branch either.
    let is_wanted = is_after(target, head) || rewritten == RewrittenBranch::Take && !is_after(head, target);
    (head != target && is_wanted).then_some(target)
}

/// HEAD after a pull that was cut off in the middle is brought to its end.
fn finish_what_was_cut_off(
    repository: &Repository,
    root: &Path,
    head: Option<Oid>,
    tip: &RemoteCommit,
    rewritten: RewrittenBranch,
) -> Result<Option<Oid>, CheckoutError> {
    if let Some(target) = to_finish(repository, head, rewritten) {
        move_to(repository, root, target, tip)?;
        return Ok(Some(target));
    }
    under_way::end(repository).map_err(|error| CheckoutError::write(root, &tip.revision, error))?;
    Ok(head)
}

/// The repository at `path`; a new one, on the tracked branch without a commit, where there is none.
fn open_or_make(path: &Path, tip: &RemoteCommit) -> Result<Repository, CheckoutError> {
    let is_empty = path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if !is_empty && let Some(repository) = local::open(path)? {
        return Ok(repository);
    }
    let failed = |error| CheckoutError::write(path, &tip.revision, error);
    let mut options = RepositoryInitOptions::new();
    options.initial_head(&tip.branch).external_template(false).no_reinit(true);
    let repository = Repository::init_opts(path, &options).map_err(failed)?;
    // The address without credentials: the file is readable by all.
    repository.remote("origin", &tip.url).map_err(failed)?;
    let mut configuration = repository.config().map_err(failed)?;
    configuration.set_str(&format!("branch.{}.remote", tip.branch), "origin").map_err(failed)?;
    configuration
        .set_str(&format!("branch.{}.merge", tip.branch), &format!("refs/heads/{}", tip.branch))
        .map_err(failed)?;
    Ok(repository)
}

/// Why the files are as they were.
struct Refusal {
    error: Box<CheckoutError>,
    /// The files that are in the way.
    conflicts: Vec<PathBuf>,
}

impl From<CheckoutError> for Refusal {
    fn from(error: CheckoutError) -> Self {
        Self { error: Box::new(error), conflicts: Vec::new() }
    }
}

/// Changes the files and the index, and nothing that has local changes.
fn check_out(repository: &Repository, root: &Path, target: Oid, tip: &RemoteCommit) -> Result<(), Refusal> {
    const NAMED: usize = 5;
    // libgit2 takes the lock last, when the files are changed already.
    let lock = repository.path().join("index.lock");
    if lock.exists() {
        return Err(CheckoutError::Locked { path: root.to_owned(), lock }.into());
    }
    let mut conflicts: Vec<PathBuf> = Vec::new();
    let result = {
        let mut options = CheckoutBuilder::new();
        options.safe().disable_filters(true).notify_on(CheckoutNotificationType::CONFLICT).notify(
            |_, path, _, _, _| {
                conflicts.extend(path.map(Path::to_owned));
                true
            },
        );
        repository
            .find_commit(target)
            .and_then(|commit| repository.checkout_tree(commit.as_object(), Some(&mut options)))
    };
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.code() == ErrorCode::Conflict => {
            let mut files: Vec<String> = conflicts.iter().take(NAMED).map(|file| file.display().to_string()).collect();
            if conflicts.len() > NAMED {
                files.push(format!("and {} more", conflicts.len() - NAMED));
            }
            let files = files.join(", ").replace(disturbs, " ");
            let error = CheckoutError::LocalChanges { path: root.to_owned(), tip: tip.revision.clone(), files };
            Err(Refusal { error: Box::new(error), conflicts })
        }
        Err(error) => Err(CheckoutError::write(root, &tip.revision, error).into()),
    }
}

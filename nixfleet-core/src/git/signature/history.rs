//! Which commits have to be signed: all that a pull would bring.

use std::collections::HashSet;
use std::path::Path;

use git2::{Commit, ErrorCode, Oid, Repository, Sort};

use super::SignatureError;
use super::verdict::{SignedBy, TrustedKeys};
use crate::Revision;
use crate::git::checkout::unfinished_target;
use crate::git::object_view::object_view;
use crate::git::{RemoteStore, RepositoryError, RewrittenBranch, local};
use crate::observation::RemoteCommit;

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many commits; 0 where there is nothing new.
    pub commits: usize,
}

/// Whether the checkout at `path` may be brought to `tip`, whose objects `store` holds, and to the commit of a pull that was
/// cut off, which comes first. Nothing is written to either.
///
/// `progress` is called after each commit with how many are done, and of how many as far as that is known.
pub fn verify_incoming(
    path: &Path,
    store: &RemoteStore,
    tip: &RemoteCommit,
    rewritten: RewrittenBranch,
    keys: &TrustedKeys,
    progress: &mut dyn FnMut(usize, Option<usize>),
) -> Result<Verified, SignatureError> {
    let broken = |error| SignatureError::history(path, error);
    let (head, own) = head(path)?;
    let directories: Vec<_> = own.into_iter().chain([store.path().join("objects")]).collect();
    let view = object_view(&directories).map_err(broken)?;
    let incoming = Incoming { view: &view, path, head, rewritten, keys };
    // It was checked when it was begun, if that was asked for then, and with the keys that were trusted then.
    let first = match unfinished_target(path, rewritten)? {
        Some(unfinished) if !is_part_of(&view, &unfinished, &tip.revision) => {
            let refused = |error| SignatureError::unfinished(path, &unfinished, error);
            incoming.verify(&unfinished, progress).map_err(refused)?.commits
        }
        _ => 0,
    };
    let Verified { commits } = incoming.verify(&tip.revision, progress)?;
    Ok(Verified { commits: first + commits })
}

/// Whether who checks all that `tip` brings has checked this commit, too.
fn is_part_of(view: &Repository, commit: &Revision, tip: &Revision) -> bool {
    let id = |revision: &Revision| Oid::from_str(revision.as_str()).ok();
    commit == tip || id(tip).zip(id(commit)).is_some_and(|(tip, it)| view.graph_descendant_of(tip, it).unwrap_or(false))
}

/// What the checkout may be brought to.
struct Incoming<'a> {
    /// The objects of the checkout and of the store.
    view: &'a Repository,
    path: &'a Path,
    head: Option<Oid>,
    rewritten: RewrittenBranch,
    keys: &'a TrustedKeys,
}

impl Incoming<'_> {
    fn verify(
        &self,
        wanted: &Revision,
        progress: &mut dyn FnMut(usize, Option<usize>),
    ) -> Result<Verified, SignatureError> {
        let Self { view, path, head, rewritten, keys } = *self;
        let broken = |error| SignatureError::history(path, error);
        let target = Oid::from_str(wanted.as_str()).map_err(broken)?;
        if head == Some(target) {
            return Ok(Verified { commits: 0 });
        }
        if view.find_commit(target).is_err() {
            return Err(SignatureError::NotFetched(wanted.clone()));
        }
        let Some(head) = head else { return first_clone(view, path, target, keys, progress) };
        if view.graph_descendant_of(head, target).map_err(broken)? {
            return Err(SignatureError::Older { tip: wanted.clone(), head: head.into() });
        }
        if rewritten == RewrittenBranch::Refuse && !view.graph_descendant_of(target, head).map_err(broken)? {
            return Err(SignatureError::Rewritten { tip: wanted.clone(), head: head.into() });
        }
        let mut walk = view.revwalk().map_err(broken)?;
        walk.push(target).and_then(|()| walk.hide(head)).map_err(broken)?;
        // The oldest first: it is what has to be mended first.
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).map_err(broken)?;
        let new = walk.collect::<Result<Vec<Oid>, _>>().map_err(broken)?;
        for (index, id) in new.iter().enumerate() {
            judge(view, path, *id, keys)?;
            progress(index + 1, Some(new.len()));
        }
        Ok(Verified { commits: new.len() })
    }
}

/// A trusted signature vouches for the commit with all that came before. A merge by the forge vouches for nothing: what it
/// merges has to be signed.
fn first_clone(
    view: &Repository,
    path: &Path,
    target: Oid,
    keys: &TrustedKeys,
    progress: &mut dyn FnMut(usize, Option<usize>),
) -> Result<Verified, SignatureError> {
    let mut seen = HashSet::from([target]);
    let mut waiting = vec![target];
    let mut commits = 0;
    while let Some(id) = waiting.pop() {
        let (commit, by) = judge(view, path, id, keys)?;
        commits += 1;
        progress(commits, None);
        if by == SignedBy::Forge {
            waiting.extend(commit.parent_ids().filter(|parent| seen.insert(*parent)));
        }
    }
    Ok(Verified { commits })
}

fn judge<'a>(
    view: &'a Repository,
    path: &Path,
    id: Oid,
    keys: &TrustedKeys,
) -> Result<(Commit<'a>, SignedBy), SignatureError> {
    let commit = view.find_commit(id).map_err(|error| SignatureError::history(path, error))?;
    match keys.judge(view, &commit)? {
        Ok(by) => Ok((commit, by)),
        Err(problem) => Err(SignatureError::commit(&commit, problem)),
    }
}

/// Local HEAD, and the directory of the checkout's objects; nothing where there is no commit yet.
fn head(path: &Path) -> Result<(Option<Oid>, Option<std::path::PathBuf>), SignatureError> {
    // An empty directory is made a checkout by the pull.
    if path.read_dir().is_ok_and(|mut entries| entries.next().is_none()) {
        return Ok((None, None));
    }
    let Some(repository) = local::open(path)? else { return Ok((None, None)) };
    let objects = repository.commondir().join("objects");
    let unreadable = |error| RepositoryError::unreadable("HEAD", &local::root(&repository), error);
    match repository.head() {
        Ok(reference) => Ok((Some(reference.peel_to_commit().map_err(unreadable)?.id()), Some(objects))),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok((None, Some(objects))),
        Err(error) => Err(unreadable(error).into()),
    }
}

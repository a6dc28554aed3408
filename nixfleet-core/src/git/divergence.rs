//! How far two commits are apart.

use std::collections::{BinaryHeap, HashMap};
use std::path::Path;

use git2::{ErrorCode, Oid, Repository};

use super::object_view::{object_directory, object_view};
use super::{RemoteStore, RepositoryError};
use crate::Revision;
use crate::observation::{BoundedCount, Divergence};

/// Commits that are looked at for each one that may be counted, so that a very long history costs a bounded time.
const LOOKED_AT_PER_COUNTED: usize = 20;

/// Commits that are looked at after all are decided, for committers whose clocks disagree: a commit that is older than
/// its parent may show only then that the parent is in both histories.
const LOOKED_AT_FOR_WRONG_CLOCKS: usize = 256;

/// Counts the commits that only `local` has and those that only `remote` has, up to `bound` each.
///
/// The commits may lie in the local repository and in the store of what was fetched. None where one of the two commits
/// is in neither. Where the histories are too long to be sure, both counts say that there may be more.
/// Parents that are missing, as in a shallow clone, end the history.
pub fn divergence(
    local_repository: &Path,
    store: Option<&RemoteStore>,
    local: &Revision,
    remote: &Revision,
    bound: u32,
) -> Result<Option<Divergence>, RepositoryError> {
    if local == remote {
        return Ok(Some(Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(0) }));
    }
    let unreadable = |error| RepositoryError::unreadable("the history", local_repository, error);
    let directories: Vec<_> =
        object_directory(local_repository).into_iter().chain(store.map(|store| store.path().join("objects"))).collect();
    let objects = object_view(&directories).map_err(unreadable)?;
    let tips = [local, remote].map(|revision| Oid::from_str(revision.as_str()));
    let [Ok(local), Ok(remote)] = tips else { return Ok(None) };
    if [local, remote].into_iter().any(|tip| objects.find_commit(tip).is_err()) {
        return Ok(None);
    }
    count(&objects, local, remote, bound).map(Some).map_err(unreadable)
}

/// From which of the two tips a commit is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reached {
    local: bool,
    remote: bool,
}

impl Reached {
    const fn is_common(self) -> bool {
        self.local && self.remote
    }

    const fn and(self, other: Self) -> Self {
        Self { local: self.local || other.local, remote: self.remote || other.remote }
    }
}

struct Seen {
    reached: Reached,
    looked_at: bool,
    /// It is in the queue, and what it says of its ancestors may change a count.
    open: bool,
}

/// Walks both histories together, newest commit first, until only commits of both are left.
///
/// A commit that was looked at has no newer descendants left in the queue, so that what reaches it is known; where the
/// clocks of the committers disagree it may be reached again, and is looked at once more.
fn count(objects: &Repository, local: Oid, remote: Oid, bound: u32) -> Result<Divergence, git2::Error> {
    let mut seen: HashMap<Oid, Seen> = HashMap::new();
    let mut queue: BinaryHeap<(i64, Oid)> = BinaryHeap::new();
    // How many commits in the queue may change a count: those not yet known to be of both, and those whose ancestors were
    // counted before that was known.
    let mut undecided: usize = 0;
    let mut budget = usize::try_from(bound).unwrap_or(usize::MAX).saturating_mul(LOOKED_AT_PER_COUNTED).max(1000);

    for (tip, reached) in
        [(local, Reached { local: true, remote: false }), (remote, Reached { local: false, remote: true })]
    {
        queue.push((objects.find_commit(tip)?.time().seconds(), tip));
        seen.insert(tip, Seen { reached, looked_at: false, open: true });
        undecided += 1;
    }

    let mut for_wrong_clocks = LOOKED_AT_FOR_WRONG_CLOCKS;
    while budget > 0 {
        if undecided == 0 {
            if for_wrong_clocks == 0 {
                break;
            }
            for_wrong_clocks -= 1;
        }
        let Some((_, id)) = queue.pop() else { break };
        budget -= 1;
        let Some(commit_seen) = seen.get_mut(&id) else { continue };
        commit_seen.looked_at = true;
        let reached = commit_seen.reached;
        if std::mem::take(&mut commit_seen.open) {
            undecided -= 1;
        }
        let commit = objects.find_commit(id)?;
        for parent in commit.parent_ids() {
            match seen.get_mut(&parent) {
                None => {
                    let time = match objects.find_commit(parent) {
                        Ok(commit) => commit.time().seconds(),
                        Err(error) if error.code() == ErrorCode::NotFound => continue,
                        Err(error) => return Err(error),
                    };
                    queue.push((time, parent));
                    let open = !reached.is_common();
                    seen.insert(parent, Seen { reached, looked_at: false, open });
                    undecided += usize::from(open);
                }
                Some(parent_seen) => {
                    let before = parent_seen.reached;
                    parent_seen.reached = before.and(reached);
                    if parent_seen.reached == before {
                        continue;
                    }
                    if parent_seen.looked_at {
                        // Its ancestors are of both, too.
                        parent_seen.looked_at = false;
                        parent_seen.open = true;
                        undecided += 1;
                        queue.push((objects.find_commit(parent)?.time().seconds(), parent));
                    } else if std::mem::take(&mut parent_seen.open) {
                        undecided -= 1;
                    }
                }
            }
        }
    }

    let gave_up = undecided > 0;
    let only = |local: bool, remote: bool| {
        let count = seen.values().filter(|one| one.looked_at && one.reached == Reached { local, remote }).count();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        BoundedCount { count: count.min(bound), at_least: gave_up || count > bound }
    };
    Ok(Divergence { ahead: only(true, false), behind: only(false, true) })
}

//! What is read from one commit.

use git2::{Oid, Repository};
use jiff::Timestamp;

use crate::flake_lock::summarize;
use crate::git::lock_bytes::{LockProblem, lock_of};
use crate::observation::LockFile;
use crate::one_line::one_line;

const SUBJECT_CHARACTERS_MAXIMUM: usize = 200;

/// All that one commit says of itself.
pub(super) struct CommitFacts {
    pub(super) subject: String,
    pub(super) committed_at: Timestamp,
    pub(super) lock: Option<LockFile>,
}

/// Reads the commit, its tree and its `flake.lock`.
pub(super) fn read_commit(objects: &Repository, id: Oid) -> Result<CommitFacts, LockProblem> {
    let commit = objects.find_commit(id)?;
    let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
    let committed_at = Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
    let lock = lock_of(objects, id)?.map(|bytes| summarize(&bytes));
    Ok(CommitFacts { subject: one_line(&subject, SUBJECT_CHARACTERS_MAXIMUM), committed_at, lock })
}

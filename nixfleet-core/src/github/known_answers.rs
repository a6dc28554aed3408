//! Good answers of GitHub, kept to be asked for again only if they changed. In memory only.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::Revision;

/// More than a look at a large repository needs; a bound all the same.
const ANSWERS_MAXIMUM: usize = 200;

/// Entity tags with the answers they stand for, what was found out about pull requests, and until when nothing may be asked.
///
/// A conditional request that is answered with 304 does not count against GitHub's limit. Of an answer only the part that
/// is used is kept: a few hundred bytes for a pull request.
#[derive(Debug, Default)]
pub struct KnownAnswers {
    answers: HashMap<String, KnownAnswer>,
    decided: HashMap<ChangeSet, bool>,
    not_before: Option<Timestamp>,
    round: u64,
}

/// One answer.
#[derive(Debug)]
pub(super) struct KnownAnswer {
    pub(super) etag: String,
    pub(super) json: Vec<u8>,
    pub(super) has_next: bool,
    round: u64,
}

/// What decides which files a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ChangeSet {
    pub(super) number: u64,
    pub(super) head: Revision,
    pub(super) base_branch: String,
}

impl KnownAnswers {
    /// Until when nothing may be asked, where GitHub said so.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Nothing is asked before this time.
    pub fn ask_not_before(&mut self, at: Timestamp) {
        self.not_before = self.not_before.max(Some(at));
    }

    pub(super) fn get(&mut self, path: &str) -> Option<&KnownAnswer> {
        let known = self.answers.get_mut(path)?;
        known.round = self.round;
        Some(known)
    }

    pub(super) fn keep(&mut self, path: String, etag: String, json: Vec<u8>, has_next: bool) {
        if self.answers.len() < ANSWERS_MAXIMUM || self.answers.contains_key(&path) {
            self.answers.insert(path, KnownAnswer { etag, json, has_next, round: self.round });
        }
    }

    pub(super) fn forget(&mut self, path: &str) {
        self.answers.remove(path);
    }

    /// Whether only `flake.lock` changes there, where that was found out before.
    pub(super) fn decided(&self, changes: &ChangeSet) -> Option<bool> {
        self.decided.get(changes).copied()
    }

    pub(super) fn decide(&mut self, changes: ChangeSet, only_flake_lock: bool) {
        self.decided.insert(changes, only_flake_lock);
    }

    /// Ends a look: what it did not use belongs to pull requests and pages that are no more.
    pub(super) fn end_round(&mut self, still_open: impl Fn(&ChangeSet) -> bool) {
        let round = self.round;
        self.answers.retain(|_, known| known.round == round);
        self.decided.retain(|changes, _| still_open(changes));
        self.round = round.wrapping_add(1);
    }
}

//! Good answers of GitHub, kept to be asked for again only if they changed. Never on disk: they are handed from look to look.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;

/// More than a look at a large repository needs; a bound all the same.
const ANSWERS_MAXIMUM: usize = 200;

/// Entity tags with the answers they stand for, what was found out about pull requests, and until when nothing may be asked.
///
/// A conditional request that is answered with 304 does not count against GitHub's limit. Of an answer only the part that
/// is used is kept: a few hundred bytes for a pull request.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KnownAnswers {
    answers: HashMap<String, KnownAnswer>,
    #[serde(with = "pairs")]
    decided: HashMap<ChangeSet, bool>,
    not_before: Option<Timestamp>,
    round: u64,
}

/// One answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KnownAnswer {
    pub(super) etag: String,
    pub(super) json: String,
    pub(super) has_next: bool,
    round: u64,
}

/// What decides which files a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    pub(super) fn keep(&mut self, path: String, etag: String, json: String, has_next: bool) {
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

/// JSON has no objects with keys that are objects.
mod pairs {
    use std::collections::HashMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::ChangeSet;

    pub(super) fn serialize<S: Serializer>(decided: &HashMap<ChangeSet, bool>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(decided)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HashMap<ChangeSet, bool>, D::Error> {
        Ok(Vec::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_the_same_in_another_process() {
        let mut known = KnownAnswers::default();
        let changes = ChangeSet { number: 7, head: "0".repeat(40).parse().unwrap(), base_branch: "main".to_owned() };
        known.keep("/pulls".to_owned(), "W/\"1\"".to_owned(), r#"["ä"]"#.to_owned(), true);
        known.decide(changes.clone(), true);
        known.ask_not_before("2026-11-23T12:00:00.5Z".parse().unwrap());
        let mut read: KnownAnswers = serde_json::from_str(&serde_json::to_string(&known).unwrap()).unwrap();
        let answer = read.get("/pulls").unwrap();
        assert_eq!((&*answer.etag, &*answer.json, answer.has_next), ("W/\"1\"", r#"["ä"]"#, true));
        assert_eq!(read.decided(&changes), Some(true));
        assert_eq!(read.not_before(), known.not_before());
    }
}

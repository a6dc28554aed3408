//! The tracked branch of the remote: the last good answer, and the last attempt beside it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BoundedCount, Divergence, LockFile};
use crate::{Revision, Sha256};

/// What is known of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteStatus {
    /// The address, without credentials; absent where no remote is configured.
    pub url: Option<String>,
    /// The branch that the host follows; absent where none is known.
    pub branch: Option<String>,
    /// The last good answer, however old.
    pub last_good: Option<RemoteCommit>,
    /// The last attempt to read it, good or not, where one is known.
    pub last_attempt: Option<RemoteAttempt>,
    /// Why the record of the last good answer cannot be read, in one sentence.
    pub problem: Option<String>,
}

impl RemoteStatus {
    /// When the remote last answered. The record of the last good answer is written when that changes, not at every
    /// confirmation: a host at rest writes nothing to its disk. Since the machine's start the attempts know better.
    #[must_use]
    pub fn last_success_at(&self) -> Option<Timestamp> {
        let attempts = self.last_attempt.as_ref().and_then(|attempt| attempt.last_success_at);
        self.last_good.as_ref().map(|commit| commit.confirmed_at).max(attempts)
    }
}

/// One commit of the tracked branch and all that was read from that very commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCommit {
    /// The address that it was read from, without credentials.
    pub url: String,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The tip of the branch.
    pub revision: Revision,
    /// First line of the commit's message, control characters replaced.
    pub subject: String,
    /// The committer's time.
    pub committed_at: Timestamp,
    /// `flake.lock` of this commit; absent where it has none.
    pub lock: Option<LockFile>,
    /// When this commit was first seen as the tip.
    pub first_seen_at: Timestamp,
    /// When the remote confirmed it as the tip, at the time of writing; [`RemoteStatus::last_success_at`] may be later.
    pub confirmed_at: Timestamp,
    /// The tips before this one, oldest first, at most [`RemoteCommit::EARLIER_TIPS`]: they tell since when a host is behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_tips: Vec<SeenTip>,
    /// How far the host's commit is from this one, where a forge was asked that has both and the host has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<ToldDistance>,
}

/// What a forge says of a commit and the tip of the tracked branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldDistance {
    /// The commit.
    pub from: Revision,
    /// Commits that only its history has; absent where the forge does not know the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u32>,
    /// Commits that only the tip's history has; absent where the forge does not know the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u32>,
}

/// A commit that was the tip of the tracked branch for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenTip {
    /// The commit.
    pub revision: Revision,
    /// SHA-256 of its `flake.lock`; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_sha256: Option<Sha256>,
    /// When it was first seen as the tip.
    pub first_seen_at: Timestamp,
}

impl RemoteCommit {
    /// How many earlier tips are kept.
    pub const EARLIER_TIPS: usize = 32;

    /// This commit as one of the tips seen.
    #[must_use]
    pub fn as_seen_tip(&self) -> SeenTip {
        SeenTip {
            revision: self.revision.clone(),
            lock_sha256: self.lock.as_ref().map(|lock| lock.sha256),
            first_seen_at: self.first_seen_at,
        }
    }

    /// How far this commit of the host is from the tip, where a forge told that of this very commit.
    #[must_use]
    pub fn told_divergence(&self, from: &Revision) -> Option<Divergence> {
        let told = self.distance.as_ref().filter(|told| told.from == *from)?;
        Some(Divergence { ahead: BoundedCount::exactly(told.ahead?), behind: BoundedCount::exactly(told.behind?) })
    }

    /// Whether it is the answer of this remote (its address without credentials) for this branch, where they are known.
    pub(crate) fn is_of(&self, url: Option<&str>, branch: Option<&str>) -> bool {
        let branch = branch.map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(branch));
        url.is_none_or(|url| url == self.url) && branch.is_none_or(|branch| branch == self.branch)
    }

    /// The tips that `earlier_tips` of this commit's successor holds.
    #[must_use]
    pub fn tips_up_to_here(&self) -> Vec<SeenTip> {
        let mut tips = self.earlier_tips.clone();
        tips.push(self.as_seen_tip());
        tips.drain(..tips.len().saturating_sub(Self::EARLIER_TIPS));
        tips
    }

    /// Since when every tip seen satisfies `condition`, this commit included; absent where this commit does not.
    pub(crate) fn since_all(&self, mut condition: impl FnMut(&Revision, Option<Sha256>) -> bool) -> Option<Timestamp> {
        if !condition(&self.revision, self.lock.as_ref().map(|lock| lock.sha256)) {
            return None;
        }
        let run = self.earlier_tips.iter().rev().take_while(|tip| condition(&tip.revision, tip.lock_sha256));
        Some(run.last().map_or(self.first_seen_at, |tip| tip.first_seen_at))
    }

    /// The revision that this commit's `flake.lock` pins for the input `nixfleet`.
    #[must_use]
    pub fn pinned_nixfleet_revision(&self) -> Option<Revision> {
        let inputs = &self.lock.as_ref()?.inputs;
        inputs.iter().find(|input| input.name == "nixfleet")?.revision.as_ref()?.parse().ok()
    }
}

/// The last attempt to read the remote, and the attempts since the machine's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteAttempt {
    /// When.
    pub at: Timestamp,
    /// Why it failed, in one sentence without secrets; absent where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Failures in a row up to and with this attempt; 0 where it succeeded.
    pub failures_in_a_row: u32,
    /// The first of those failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// The last attempt that succeeded since the machine's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// Attempts that succeeded since the machine's start.
    pub succeeded_total: u64,
    /// Those of them that were part of a pull, and not a look of the agent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub succeeded_in_pulls_total: u64,
    /// Attempts that failed since the machine's start.
    pub failed_total: u64,
    /// Before this time nothing may be asked: the forge's limit of requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl RemoteAttempt {
    /// The attempt that follows `previous` and read the remote.
    #[must_use]
    pub fn succeeded(previous: Option<&Self>, at: Timestamp) -> Self {
        Self {
            at,
            error: None,
            failures_in_a_row: 0,
            failing_since: None,
            last_success_at: Some(at),
            succeeded_total: previous.map_or(0, |previous| previous.succeeded_total).saturating_add(1),
            succeeded_in_pulls_total: previous.map_or(0, |previous| previous.succeeded_in_pulls_total),
            failed_total: previous.map_or(0, |previous| previous.failed_total),
            not_before: Self::limit_of(previous, at),
        }
    }

    /// The attempt that follows `previous` and could not read the remote.
    #[must_use]
    pub fn failed(previous: Option<&Self>, at: Timestamp, error: impl Into<String>) -> Self {
        Self {
            at,
            error: Some(error.into()),
            failures_in_a_row: previous.map_or(0, |previous| previous.failures_in_a_row).saturating_add(1),
            // A clock that was set back must not put the first failure into the future.
            failing_since: previous.and_then(|previous| previous.failing_since).map(|since| since.min(at)).or(Some(at)),
            last_success_at: previous.and_then(|previous| previous.last_success_at),
            succeeded_total: previous.map_or(0, |previous| previous.succeeded_total),
            succeeded_in_pulls_total: previous.map_or(0, |previous| previous.succeeded_in_pulls_total),
            failed_total: previous.map_or(0, |previous| previous.failed_total).saturating_add(1),
            not_before: Self::limit_of(previous, at),
        }
    }

    /// The same, and before this time nothing may be asked, where the forge said so.
    #[must_use]
    pub fn not_before(self, until: Option<Timestamp>) -> Self {
        let until = until.filter(|until| *until > self.at);
        Self { not_before: self.not_before.max(until), ..self }
    }

    /// The same, made by a pull.
    #[must_use]
    pub fn of_pull(self) -> Self {
        let succeeded = u64::from(self.error.is_none());
        Self { succeeded_in_pulls_total: self.succeeded_in_pulls_total.saturating_add(succeeded), ..self }
    }

    /// Attempts of the agent that succeeded since the machine's start.
    #[must_use]
    pub const fn succeeded_by_agent_total(&self) -> u64 {
        self.succeeded_total.saturating_sub(self.succeeded_in_pulls_total)
    }

    /// A limit ends with time only, whoever asks whom in between.
    fn limit_of(previous: Option<&Self>, at: Timestamp) -> Option<Timestamp> {
        previous?.not_before.filter(|until| *until > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_and_a_success_ends_the_row() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let first = RemoteAttempt::failed(None, at(10), "no route to host");
        assert_eq!((first.failures_in_a_row, first.failing_since, first.failed_total), (1, Some(at(10)), 1));
        let second = RemoteAttempt::failed(Some(&first), at(20), "timed out");
        assert_eq!((second.failures_in_a_row, second.failing_since, second.failed_total), (2, Some(at(10)), 2));
        assert_eq!(second.error.as_deref(), Some("timed out"));
        let third = RemoteAttempt::succeeded(Some(&second), at(30));
        assert_eq!((third.failures_in_a_row, third.failing_since, third.error.as_ref()), (0, None, None));
        assert_eq!((third.succeeded_total, third.failed_total), (1, 2));
        let fourth = RemoteAttempt::failed(Some(&third), at(40), "timed out");
        assert_eq!((fourth.failures_in_a_row, fourth.failing_since), (1, Some(at(40))));
        assert_eq!(fourth.last_success_at, Some(at(30)));
        let set_back = RemoteAttempt::failed(Some(&fourth), at(5), "timed out");
        assert_eq!(set_back.failing_since, Some(at(5)), "a clock that was set back");
    }

    #[test]
    fn a_limit_ends_with_time_only() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let limited = RemoteAttempt::failed(None, at(10), "limit").not_before(Some(at(100)));
        assert_eq!(limited.not_before, Some(at(100)));
        let by_git = RemoteAttempt::succeeded(Some(&limited), at(20));
        assert_eq!(by_git.not_before, Some(at(100)), "a pull asks somebody else");
        assert_eq!(by_git.clone().not_before(Some(at(50))).not_before, Some(at(100)));
        assert_eq!(by_git.clone().not_before(None).not_before, Some(at(100)));
        assert_eq!(RemoteAttempt::failed(Some(&by_git), at(100), "no route").not_before, None);
        assert_eq!(RemoteAttempt::succeeded(None, at(100)).not_before(Some(at(99))).not_before, None);
    }
}

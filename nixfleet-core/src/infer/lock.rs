//! Lock: are the dependencies, pinned in `flake.lock`, current?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use super::git::next_step;
use super::remote::{self, Stale};
use crate::Age;
use crate::Sha256;
use crate::model::{Action, State};
use crate::observation::{LockFile, Observation, PullRequest, Reading, RemoteCommit};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    NotObserved,
    /// With the remote's.
    NoRepository(Option<&'a LockFile>),
    NoLocalLock,
    NoLocalLockButRemote,
    Unreadable(&'a str),
    RemoteHasNone(&'a RemoteCommit),
    Compared(Box<Comparison<'a>>),
}

/// Both locks, known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison<'a> {
    local: &'a LockFile,
    remote: &'a LockFile,
    pull_requests: &'a [PullRequest],
    pull_requests_error: Option<&'a str>,
    pull_requests_age: Option<Age>,
    not_committed: bool,
    stale: Option<Stale<'a>>,
}

pub(super) fn judge(observation: &Observation, now: Timestamp) -> Verdict<'_> {
    let local = match &observation.local_lock {
        Reading::NotObserved => return Verdict::new(State::Unknown, Why::NotObserved),
        Reading::Absent => return no_local_lock(observation),
        Reading::Unreadable(sentence) => {
            return Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckConfiguration);
        }
        Reading::Present(local) => local,
    };
    let tip = match remote::tip(observation, now) {
        Ok(tip) => tip,
        Err(verdict) => return verdict,
    };
    let Some(remote) = &tip.lock else {
        return Verdict::new(State::Error, Why::RemoteHasNone(tip))
            .action(Action::CheckRemote)
            .since(tip.since_all(|_, lock| lock.is_none()));
    };
    compare(observation, local, remote, tip, now)
}

fn no_local_lock(observation: &Observation) -> Verdict<'_> {
    let remote = observation.remote.last_good.as_ref().and_then(|tip| tip.lock.as_ref());
    let (why, action) = match &observation.repository {
        Reading::Absent => (Why::NoRepository(remote), Action::Pull),
        Reading::Unreadable(sentence) => (Why::Unreadable(sentence), Action::CheckConfiguration),
        _ if remote.is_some() => (Why::NoLocalLockButRemote, Action::Pull),
        _ => (Why::NoLocalLock, Action::CheckConfiguration),
    };
    Verdict::new(State::Unknown, why).action(action)
}

fn compare<'a>(
    observation: &'a Observation,
    local: &'a LockFile,
    remote: &'a LockFile,
    tip: &RemoteCommit,
    now: Timestamp,
) -> Verdict<'a> {
    let pull_requests = observation.pull_requests.last_good.as_ref().map_or(&[][..], |list| &list.open);
    let same_commit = observation.repository.present().is_some_and(|local| local.head.as_ref() == Some(&tip.revision));
    let why = Why::Compared(Box::new(Comparison {
        local,
        remote,
        pull_requests,
        pull_requests_error: observation.pull_requests.error.as_deref(),
        pull_requests_age: observation.pull_requests.last_good.as_ref().map(|list| Age::between(list.observed_at, now)),
        not_committed: same_commit,
        stale: remote::stale(&observation.remote, now),
    }));
    if local.sha256 != remote.sha256 {
        let action = if same_commit { Action::Push } else { next_step(observation.divergence) };
        // Nobody noted when a local lock was changed.
        let since = if action == Action::Pull { tip.since_all(|_, lock| lock != Some(local.sha256)) } else { None };
        return Verdict::new(State::Outdated, why).action(action).since(since);
    }
    if let Some(newest) = pull_requests.first() {
        let oldest = pull_requests.iter().map(|pull_request| pull_request.opened_at).min();
        return Verdict::new(State::Outdated, why)
            .action(Action::MergePullRequest { number: newest.number })
            .since(oldest);
    }
    let since = tip.since_all(|_, lock| lock == Some(local.sha256));
    Verdict::new(State::Ok, why).since(since.max(pulled_at(observation, tip, local.sha256)))
}

/// When the pull ended that brought this lock: none where the commit before it had the same.
fn pulled_at(observation: &Observation, tip: &RemoteCommit, lock: Sha256) -> Option<Timestamp> {
    let pulled = observation.operations.pulled.as_ref().filter(|pulled| pulled.revision == tip.revision)?;
    let from = pulled.from_revision.as_ref()?;
    let before = tip.earlier_tips.iter().rev().find(|earlier| earlier.revision == *from)?;
    (before.lock_sha256 != Some(lock)).then_some(pulled.at)
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotObserved => formatter.write_str("not observed"),
            Self::NoRepository(remote) => {
                formatter.write_str("no local repository yet: the first pull clones it")?;
                match remote.filter(|remote| remote.problem.is_none()).map(|remote| remote.inputs.len()) {
                    None => Ok(()),
                    Some(1) => formatter.write_str("; the remote's pins 1 input"),
                    Some(count) => write!(formatter, "; the remote's pins {count} inputs"),
                }
            }
            Self::NoLocalLockButRemote => formatter.write_str(
                "no flake.lock in the local repository, the remote has one: pull, or bring it back with \
                 `git restore flake.lock`",
            ),
            Self::NoLocalLock => {
                formatter.write_str("no flake.lock in the local repository: run `nix flake lock` and commit it")
            }
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::RemoteHasNone(tip) => {
                write!(formatter, "{} at {} of the remote has no flake.lock", tip.revision.short(), tip.branch)
            }
            Self::Compared(comparison) => comparison.fmt(formatter),
        }
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.local.sha256 == self.remote.sha256 {
            self.write_pull_requests(formatter)?;
        } else {
            self.write_difference(formatter)?;
        }
        match (&self.local.problem, &self.remote.problem) {
            (Some(problem), _) => write!(formatter, "; {problem}")?,
            (None, Some(problem)) => write!(formatter, "; on the remote {problem}")?,
            (None, None) => {}
        }
        match (self.pull_requests_error, self.pull_requests_age) {
            (Some(error), Some(age)) => write!(formatter, "; pull requests last read {}: {error}", age.ago())?,
            (Some(error), None) => write!(formatter, "; pull requests could not be read: {error}")?,
            (None, _) => {}
        }
        self.stale.as_ref().map_or(Ok(()), |stale| stale.fmt(formatter))
    }
}

impl Comparison<'_> {
    fn write_pull_requests(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pull_requests {
            [] => match self.local.inputs.len() {
                0 => formatter.write_str("equal to the remote"),
                1 => formatter.write_str("equal to the remote: 1 input"),
                count => write!(formatter, "equal to the remote: {count} inputs"),
            },
            [one] => write!(formatter, "PR #{} pending: {} ({})", one.number, one.title, one.url),
            [newest, others @ ..] => {
                write!(formatter, "PR #{} and {} more pending: {}", newest.number, others.len(), newest.title)?;
                write!(formatter, " ({})", newest.url)
            }
        }
    }

    /// Names the inputs that differ: more than a few are counted, a line stays a line.
    fn write_difference(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMED: usize = 4;
        formatter.write_str("differs from the remote")?;
        if self.not_committed {
            formatter
                .write_str(" by a change that is not committed (commit and push it, or `git restore flake.lock`)")?;
        }
        // Of a lock that cannot be understood the inputs are not known.
        if self.local.problem.is_some() || self.remote.problem.is_some() {
            return Ok(());
        }
        let changes = self.local.changes_to(self.remote);
        if changes.is_empty() {
            return formatter.write_str(", in no direct input");
        }
        formatter.write_str(": ")?;
        for (index, change) in changes.iter().take(NAMED).enumerate() {
            write!(formatter, "{}{change}", if index == 0 { "" } else { ", " })?;
        }
        match changes.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}

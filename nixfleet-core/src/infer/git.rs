//! Git: is the local repository up to date with the tracked branch?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use super::remote::{self, Stale};
use crate::Age;
use crate::Revision;
use crate::model::{Action, State};
use crate::observation::{
    Divergence, FinishedOperation, LocalRepository, Observation, OperationResult, Reading, RemoteCommit,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    Pulling(Age),
    NotObserved,
    /// With what the remote has, and how old that is where newer attempts failed.
    NoRepository(Option<(&'a RemoteCommit, Option<Stale<'a>>)>),
    Unreadable(&'a str),
    Compared(Box<Comparison<'a>>),
}

/// Local HEAD and the remote's tip, both known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison<'a> {
    repository: &'a LocalRepository,
    tip: &'a RemoteCommit,
    divergence: Option<Divergence>,
    failed_pull: Option<(&'a FinishedOperation, Age)>,
    stale: Option<Stale<'a>>,
}

pub(super) fn judge(observation: &Observation, now: Timestamp) -> Verdict<'_> {
    if let Some(pull) = &observation.operations.pull.running {
        return Verdict::new(State::Working, Why::Pulling(Age::between(pull.started_at, now)))
            .action(Action::Wait)
            .since(pull.started_at);
    }
    let repository = match &observation.repository {
        Reading::NotObserved => return Verdict::new(State::Unknown, Why::NotObserved),
        Reading::Absent => {
            let tip = observation.remote.last_good.as_ref().map(|tip| (tip, remote::stale(&observation.remote, now)));
            return Verdict::new(State::Unknown, Why::NoRepository(tip)).action(Action::Pull);
        }
        Reading::Unreadable(sentence) => {
            return Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckConfiguration);
        }
        Reading::Present(repository) => repository,
    };
    let tip = match remote::tip(observation, now) {
        Ok(tip) => tip,
        Err(verdict) => return verdict,
    };
    compare(observation, repository, tip, now)
}

fn compare<'a>(
    observation: &'a Observation,
    repository: &'a LocalRepository,
    tip: &'a RemoteCommit,
    now: Timestamp,
) -> Verdict<'a> {
    let last_pull = observation.operations.pull.last.as_ref();
    let equal = repository.head.as_ref() == Some(&tip.revision);
    let failed_pull = last_pull
        .filter(|pull| !equal && pull.result != OperationResult::Success)
        .map(|pull| (pull, Age::between(pull.ended_at.unwrap_or(pull.started_at), now)));
    let divergence = observation.divergence;
    let comparison =
        Comparison { repository, tip, divergence, failed_pull, stale: remote::stale(&observation.remote, now) };
    if equal {
        let pulled_at = observation.operations.pulled_at(&tip.revision);
        let since = tip.since_all(|revision, _| *revision == tip.revision);
        return Verdict::new(State::Ok, Why::Compared(Box::new(comparison))).since(since.max(pulled_at));
    }
    let action = next_step(divergence);
    // Nobody noted when a local commit was made.
    let since = if action == Action::Pull {
        tip.since_all(|revision, _| Some(revision) != repository.head.as_ref())
    } else {
        None
    };
    Verdict::new(State::Outdated, Why::Compared(Box::new(comparison))).action(action).since(since)
}

/// What brings local HEAD and the remote's tip together. Of a history too long to be counted, what was counted is told.
pub(super) const fn next_step(divergence: Option<Divergence>) -> Action {
    match divergence {
        Some(Divergence { ahead, behind }) if ahead.count > 0 && behind.count > 0 => Action::Reconcile,
        Some(Divergence { ahead, .. }) if ahead.count > 0 => Action::Push,
        _ => Action::Pull,
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pulling(age) => write!(formatter, "pull {}", age.running()),
            Self::NotObserved => formatter.write_str("not observed"),
            Self::NoRepository(tip) => {
                formatter.write_str("no local repository yet: the first pull clones it")?;
                let Some((RemoteCommit { branch, revision, subject, .. }, stale)) = tip else { return Ok(()) };
                write!(formatter, "; {branch} is at {}: {subject}", revision.short())?;
                stale.as_ref().map_or(Ok(()), |stale| stale.fmt(formatter))
            }
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::Compared(comparison) => comparison.fmt(formatter),
        }
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_distance(formatter)?;
        match self.repository.uncommitted_changes {
            None | Some(0) => {}
            Some(1) => formatter.write_str("; 1 uncommitted change")?,
            Some(count) => write!(formatter, "; {count} uncommitted changes")?,
        }
        match &self.repository.branch {
            Some(branch) if *branch != self.tip.branch => {
                write!(formatter, "; on branch {branch}, tracked is {}", self.tip.branch)?;
            }
            Some(_) => {}
            None => write!(formatter, "; HEAD is on no branch, tracked is {}", self.tip.branch)?,
        }
        if let Some((pull, age)) = &self.failed_pull {
            write!(formatter, "; pull {} {}", ended(pull.result), age.ago())?;
            if let Some(detail) = &pull.detail {
                write!(formatter, ": {detail}")?;
            }
        }
        self.stale.as_ref().map_or(Ok(()), |stale| stale.fmt(formatter))
    }
}

impl Comparison<'_> {
    fn write_distance(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tip = self.tip.revision.short();
        let subject = &self.tip.subject;
        let Some(head) = &self.repository.head else {
            return write!(formatter, "no commit yet, {} is at {tip}: {subject}", self.tip.branch);
        };
        if *head == self.tip.revision {
            return write!(formatter, "at {tip}: {subject}");
        }
        let head = Revision::short(head);
        match self.divergence {
            // Too long a history to be counted: "0+" would read like none.
            Some(Divergence { ahead, behind }) if ahead.count == 0 && behind.count == 0 => {
                write!(formatter, "{head} is far from {tip}: {subject}")
            }
            None => write!(formatter, "{head} is not {tip}: {subject}"),
            Some(Divergence { ahead, behind }) if ahead.count == 0 => {
                write!(formatter, "{behind} {} behind {tip}: {subject}", commits(behind.count))
            }
            Some(Divergence { ahead, behind }) if behind.count == 0 => {
                write!(formatter, "{ahead} {} ahead of {tip}: {subject}", commits(ahead.count))
            }
            Some(Divergence { ahead, behind }) => {
                write!(formatter, "diverged from {tip}: {ahead} ahead, {behind} behind: {subject}")
            }
        }
    }
}

const fn commits(count: u32) -> &'static str {
    if count == 1 { "commit" } else { "commits" }
}

/// The verb for a result that is no success.
pub(super) const fn ended(result: OperationResult) -> &'static str {
    match result {
        OperationResult::Success => "succeeded",
        OperationResult::Failed => "failed",
        OperationResult::Stopped => "was stopped",
        OperationResult::TimedOut => "timed out",
        OperationResult::Killed => "was killed",
        OperationResult::Interrupted => "was interrupted by the machine going down",
        OperationResult::Lost => "ended without a result",
    }
}

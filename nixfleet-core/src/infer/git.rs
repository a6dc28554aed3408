//! Git: is the local repository up to date with the tracked branch?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use super::remote::{self, NoAnswer, PastGrace, Stale};
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
    NoRepository,
    Unreadable(&'a str),
    RemoteUnreadable(PastGrace<'a>),
    NoAnswer(NoAnswer<'a>),
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
        Reading::Absent => return Verdict::new(State::Unknown, Why::NoRepository).action(Action::Pull),
        Reading::Unreadable(sentence) => {
            return Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckConfiguration);
        }
        Reading::Present(repository) => repository,
    };
    if let Some(past) = remote::past_grace(&observation.remote, &observation.settings, now) {
        let since = past.since;
        return Verdict::new(State::Error, Why::RemoteUnreadable(past)).action(Action::CheckRemote).since(since);
    }
    let Some(tip) = &observation.remote.last_good else {
        let why = remote::no_answer(&observation.remote);
        let action = why.action();
        return Verdict::new(State::Unknown, Why::NoAnswer(why)).action(action);
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
        let pulled_at = last_pull.filter(|pull| pull.revision == repository.head).and_then(|pull| pull.ended_at);
        let since = tip.since_all(|revision, _| *revision == tip.revision);
        return Verdict::new(State::Ok, Why::Compared(Box::new(comparison))).since(since.max(pulled_at));
    }
    let action = match divergence {
        Some(Divergence { ahead, behind }) if !ahead.is_zero() && !behind.is_zero() => Action::Reconcile,
        Some(Divergence { ahead, .. }) if !ahead.is_zero() => Action::Push,
        _ => Action::Pull,
    };
    let since = tip.since_all(|revision, _| Some(revision) != repository.head.as_ref());
    Verdict::new(State::Outdated, Why::Compared(Box::new(comparison))).action(action).since(since)
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pulling(age) => write!(formatter, "pull has been running for {age}"),
            Self::NotObserved => formatter.write_str("not observed"),
            Self::NoRepository => formatter.write_str("no local repository yet: the first pull clones it"),
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::RemoteUnreadable(past) => past.fmt(formatter),
            Self::NoAnswer(why) => why.fmt(formatter),
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
        if self.repository.branch.as_ref().is_some_and(|branch| *branch != self.tip.branch) {
            let branch = self.repository.branch.as_deref().unwrap_or_default();
            write!(formatter, "; on branch {branch}, tracked is {}", self.tip.branch)?;
        }
        if let Some((pull, age)) = &self.failed_pull {
            write!(formatter, "; pull {} {age} ago", ended(pull.result))?;
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
            Some(Divergence { ahead, behind }) if ahead.is_zero() => {
                write!(formatter, "{behind} {} behind {tip}: {subject}", commits(behind.count))
            }
            Some(Divergence { ahead, behind }) if behind.is_zero() => {
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

//! What Git and Lock both ask of the remote: can it be read?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use crate::Age;
use crate::model::{Action, State};
use crate::observation::{InferenceSettings, Observation, RemoteCommit, RemoteStatus};

/// Why there is no tip to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    PastGrace(PastGrace<'a>),
    NoAnswer(NoAnswer<'a>),
}

/// The last good answer of the remote, or the verdict where it does not stand or there is none. A remote that failed for
/// longer than its grace is an error, also where it never answered: so this comes before "none read yet".
pub(super) fn tip(observation: &Observation, now: Timestamp) -> Result<&RemoteCommit, Verdict<'_>> {
    let remote = &observation.remote;
    if let Some(past) = past_grace(remote, &observation.settings, now) {
        let since = past.since;
        return Err(Verdict::new(State::Error, Why::PastGrace(past)).action(Action::CheckRemote).since(since));
    }
    remote.last_good.as_ref().ok_or_else(|| {
        let why = no_answer(remote);
        let action = why.action();
        Verdict::new(State::Unknown, Why::NoAnswer(why)).action(action)
    })
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PastGrace(past) => past.fmt(formatter),
            Self::NoAnswer(why) => why.fmt(formatter),
        }
    }
}

/// The remote could not be read for longer than the grace period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastGrace<'a> {
    error: &'a str,
    failures: u32,
    since: Timestamp,
    age: Age,
}

/// Judges the last attempts. An attempt that lies in the future shows that the clock was set back: it then counts as now.
fn past_grace<'a>(remote: &'a RemoteStatus, settings: &InferenceSettings, now: Timestamp) -> Option<PastGrace<'a>> {
    let attempt = remote.last_attempt.as_ref()?;
    let error = attempt.error.as_deref()?;
    let now = now.max(attempt.at);
    let since = attempt.failing_since.unwrap_or(attempt.at);
    let lasted = now.duration_since(since);
    let past = attempt.failures_in_a_row >= settings.remote_grace_tries
        && !lasted.is_negative()
        && lasted.unsigned_abs() >= settings.remote_grace;
    past.then(|| PastGrace { error, failures: attempt.failures_in_a_row, since, age: Age::between(since, now) })
}

impl fmt::Display for PastGrace<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures > 1 {
            write!(formatter, "remote unreadable for {} ({} tries): {}", self.age, self.failures, self.error)
        } else {
            write!(formatter, "remote unreadable: {}", self.error)
        }
    }
}

/// Why there is no good answer of the remote, not yet past the grace period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer<'a> {
    NotConfigured,
    NotYetRead,
    Failing(&'a str),
    Unreadable(&'a str),
}

impl NoAnswer<'_> {
    pub(super) const fn action(&self) -> Action {
        match self {
            Self::NotConfigured => Action::CheckConfiguration,
            Self::NotYetRead | Self::Failing(_) => Action::CheckRemote,
            // The agent writes it anew.
            Self::Unreadable(_) => Action::CheckAgent,
        }
    }
}

fn no_answer(remote: &RemoteStatus) -> NoAnswer<'_> {
    let failing = remote.last_attempt.as_ref().and_then(|attempt| attempt.error.as_deref());
    match (&remote.problem, failing, &remote.url) {
        (Some(problem), ..) => NoAnswer::Unreadable(problem),
        (None, Some(error), _) => NoAnswer::Failing(error),
        (None, None, None) => NoAnswer::NotConfigured,
        (None, None, Some(_)) => NoAnswer::NotYetRead,
    }
}

impl fmt::Display for NoAnswer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => {
                formatter.write_str("no remote is configured: give the branch an upstream, or name the remote")
            }
            Self::NotYetRead => formatter.write_str("the remote was not read yet"),
            Self::Failing(error) => write!(formatter, "the remote could not be read yet: {error}"),
            Self::Unreadable(problem) => formatter.write_str(problem),
        }
    }
}

/// How old the last good answer is, where newer attempts failed: it stands, and its age is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stale<'a> {
    error: &'a str,
    age: Age,
}

pub(super) fn stale(remote: &RemoteStatus, now: Timestamp) -> Option<Stale<'_>> {
    let error = remote.last_attempt.as_ref()?.error.as_deref()?;
    remote.last_good.as_ref()?;
    Some(Stale { error, age: Age::between(remote.last_success_at()?, now) })
}

impl fmt::Display for Stale<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "; last read {}, the last try failed: {}", self.age.ago(), self.error)
    }
}

//! Agent: is the running nixfleet-agent the expected one?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use crate::Age;
use crate::model::{Action, State};
use crate::observation::{AgentHeartbeat, AgentObservation, InferenceSettings, Reading};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    NotObserved,
    NeverSeen,
    Unreadable(&'a str),
    Silent(Age),
    FromTheFuture(Age),
    OtherRevision { running: &'a str, expected: &'a str },
    OtherVersion { running: &'a str, expected: &'a str },
    Current { version: &'a str, revision: Option<&'a str> },
}

pub(super) fn judge<'a>(agent: &'a AgentObservation, settings: &InferenceSettings, now: Timestamp) -> Verdict<'a> {
    let heartbeat = match &agent.heartbeat {
        Reading::NotObserved => return Verdict::new(State::Unknown, Why::NotObserved),
        Reading::Absent => return Verdict::new(State::Unknown, Why::NeverSeen).action(Action::CheckAgent),
        Reading::Unreadable(sentence) => {
            return Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckAgent);
        }
        Reading::Present(heartbeat) => heartbeat,
    };
    if let Some(verdict) = silence(heartbeat, settings, now) {
        return verdict;
    }
    difference(agent, heartbeat).unwrap_or_else(|| {
        let revision = heartbeat.revision.as_ref().map(crate::Revision::short);
        Verdict::new(State::Ok, Why::Current { version: &heartbeat.version, revision }).since(heartbeat.started_at)
    })
}

fn silence<'a>(heartbeat: &AgentHeartbeat, settings: &InferenceSettings, now: Timestamp) -> Option<Verdict<'a>> {
    let age = now.duration_since(heartbeat.heartbeat_at);
    if age.unsigned_abs() <= settings.heartbeat_deadline {
        return None;
    }
    let verdict = if age.is_negative() {
        // Set back further than the deadline, the clock cannot tell a live agent from a dead one.
        Verdict::new(State::Unknown, Why::FromTheFuture(Age::between(now, heartbeat.heartbeat_at)))
    } else {
        let deadline = heartbeat.heartbeat_at.checked_add(settings.heartbeat_deadline).ok();
        Verdict::new(State::Unknown, Why::Silent(Age::between(heartbeat.heartbeat_at, now))).since(deadline)
    };
    Some(verdict.action(Action::CheckAgent))
}

fn difference<'a>(agent: &'a AgentObservation, heartbeat: &'a AgentHeartbeat) -> Option<Verdict<'a>> {
    let why = match (&heartbeat.revision, &agent.pinned_revision) {
        (Some(running), Some(expected)) => {
            (running != expected).then(|| Why::OtherRevision { running: running.short(), expected: expected.short() })
        }
        _ => (heartbeat.version != agent.observer_version)
            .then(|| Why::OtherVersion { running: &heartbeat.version, expected: &agent.observer_version }),
    };
    Some(Verdict::new(State::Error, why?).action(Action::Switch))
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotObserved => formatter.write_str("not observed: only a repository is looked at"),
            Self::NeverSeen => formatter.write_str("no sign of life from nixfleet-agent yet"),
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::Silent(age) => write!(formatter, "silent for {age}"),
            Self::FromTheFuture(age) => {
                write!(formatter, "its last sign of life lies {age} in the future: the clock was set back")
            }
            Self::OtherRevision { running, expected } => {
                write!(formatter, "runs {running}, the tracked flake.lock pins {expected}: pull and switch")
            }
            Self::OtherVersion { running, expected } => {
                write!(formatter, "runs version {running}, this host has version {expected}: switch")
            }
            Self::Current { version, revision: Some(revision) } => write!(formatter, "{version} ({revision})"),
            Self::Current { version, revision: None } => formatter.write_str(version),
        }
    }
}

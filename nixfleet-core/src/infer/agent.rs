//! Agent: is the running nixfleet-agent the expected one?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use crate::Age;
use crate::model::{Action, State};
use crate::observation::{AgentHeartbeat, InferenceSettings, Observation, Reading};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    NotObserved,
    NeverSeen,
    Unreadable(&'a str),
    Silent(Age),
    FromTheFuture(Age),
    OtherRevision { running: &'a str, expected: &'a str, pulled: bool },
    OtherVersion { running: &'a str, expected: &'a str },
    Current { version: &'a str, revision: Option<&'a str> },
}

pub(super) fn judge(observation: &Observation, now: Timestamp) -> Verdict<'_> {
    let heartbeat = match &observation.agent.heartbeat {
        Reading::NotObserved => return Verdict::new(State::Unknown, Why::NotObserved),
        Reading::Absent => return Verdict::new(State::Unknown, Why::NeverSeen).action(Action::CheckAgent),
        Reading::Unreadable(sentence) => {
            return Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckAgent);
        }
        Reading::Present(heartbeat) => heartbeat,
    };
    if let Some(verdict) = silence(heartbeat, &observation.settings, now) {
        return verdict;
    }
    difference(observation, heartbeat).unwrap_or_else(|| {
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

fn difference<'a>(observation: &'a Observation, heartbeat: &'a AgentHeartbeat) -> Option<Verdict<'a>> {
    let agent = &observation.agent;
    let (why, action) = match (&heartbeat.revision, &agent.pinned_revision) {
        (Some(running), Some(expected)) if running == expected => return None,
        (Some(running), Some(expected)) => {
            let head = observation.repository.present().and_then(|repository| repository.head.as_ref());
            let tip = observation.remote.last_good.as_ref().map(|tip| &tip.revision);
            let pulled = head.is_some() && head == tip;
            let why = Why::OtherRevision { running: running.short(), expected: expected.short(), pulled };
            (why, if pulled { Action::Switch } else { Action::Pull })
        }
        _ if heartbeat.version == agent.observer_version => return None,
        // A switch has brought the new one already: whoever observes is a part of it.
        _ => {
            let why = Why::OtherVersion { running: &heartbeat.version, expected: &agent.observer_version };
            (why, Action::CheckAgent)
        }
    };
    Some(Verdict::new(State::Error, why).action(action))
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
            Self::OtherRevision { running, expected, pulled } => {
                let steps = if *pulled { "switch" } else { "pull and switch" };
                write!(formatter, "runs {running}, the tracked flake.lock pins {expected}: {steps}")
            }
            Self::OtherVersion { running, expected } => write!(
                formatter,
                "runs version {running}, this host has version {expected}: it restarts itself once no operation runs, \
                 else restart nixfleet-agent"
            ),
            Self::Current { version, revision: Some(revision) } => write!(formatter, "{version} ({revision})"),
            Self::Current { version, revision: None } => formatter.write_str(version),
        }
    }
}

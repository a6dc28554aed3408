//! What proves that the agent of an activated system reaches the remote. Pure.
//!
//! No time is compared: a switch may well set the clock. The agent is started anew after the activation, so that it runs as
//! the new system says; what counts is a look at the remote that ended after that agent was first seen.

use jiff::Timestamp;
use nixfleet_core::observation::{AgentHeartbeat, RemoteAttempt};

/// What the agent left in the runtime directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Traces {
    pub(super) heartbeat: Option<AgentHeartbeat>,
    pub(super) attempt: Option<RemoteAttempt>,
}

impl Traces {
    fn agent(&self) -> Option<Timestamp> {
        self.heartbeat.as_ref().map(|heartbeat| heartbeat.started_at)
    }

    fn attempts(&self) -> Attempts {
        let attempt = self.attempt.as_ref();
        Attempts {
            succeeded: attempt.map_or(0, RemoteAttempt::succeeded_by_agent_total),
            failed: attempt.map_or(0, |attempt| attempt.failed_total),
        }
    }
}

/// Attempts at the remote since the machine's start; those that succeeded are the agent's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attempts {
    succeeded: u64,
    failed: u64,
}

/// How far the proof is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// The agent that was started anew gave no sign of life yet.
    NoAgent,
    /// It runs, and has not looked at the remote since.
    NoLook,
    /// It looked, and the remote did not answer: why.
    NoAnswer(String),
    /// It reached the remote.
    Reached,
}

/// Follows the traces from before the agent is started anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    former_agent: Option<Timestamp>,
    /// The agent that is watched, and the attempts from before it was first seen.
    agent: Option<(Timestamp, Attempts)>,
}

impl Proof {
    /// `before`: the traces before the agent is started anew.
    pub(super) fn after(before: &Traces) -> Self {
        Self { former_agent: before.agent(), agent: None }
    }

    /// Takes in the traces as they are now.
    pub(super) fn look(&mut self, now: &Traces) -> Stand {
        let attempts = now.attempts();
        let Some(agent) = now.agent().filter(|agent| Some(*agent) != self.former_agent) else { return Stand::NoAgent };
        let before = match self.agent {
            Some((watched, before)) if watched == agent => before,
            // Started once more: the former one may have been at the remote, this one was not yet.
            _ => {
                self.agent = Some((agent, attempts));
                attempts
            }
        };
        if attempts.succeeded > before.succeeded {
            return Stand::Reached;
        }
        match now.attempt.as_ref().and_then(|attempt| attempt.error.clone()) {
            Some(error) if attempts.failed > before.failed => Stand::NoAnswer(error),
            _ => Stand::NoLook,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent by the second of its start, and the attempts that succeeded and failed.
    fn traces((agent, succeeded, failed): (Option<i64>, u64, u64)) -> Traces {
        let at = |second| Timestamp::from_second(second).unwrap();
        let heartbeat = agent.map(|second| AgentHeartbeat {
            version: "0.1.0".to_owned(),
            revision: None,
            started_at: at(second),
            heartbeat_at: at(second),
            next_check_at: None,
        });
        let mut attempt = None;
        for _ in 0..succeeded {
            attempt = Some(RemoteAttempt::succeeded(attempt.as_ref(), at(1)));
        }
        for _ in 0..failed {
            attempt = Some(RemoteAttempt::failed(attempt.as_ref(), at(1), "no route to host"));
        }
        Traces { heartbeat, attempt }
    }

    /// It may have had its answer before the activation cut the network off.
    #[test]
    fn a_pull_that_ends_meanwhile_is_no_proof() {
        let old = Traces::default();
        let mut proof = Proof::after(&old);
        let started = traces((Some(200), 5, 0));
        assert_eq!(proof.look(&started), Stand::NoLook);
        let at = Timestamp::from_second(2).unwrap();
        let pulled = RemoteAttempt::succeeded(started.attempt.as_ref(), at).of_pull();
        let after_pull = Traces { attempt: Some(pulled.clone()), ..started };
        assert_eq!(proof.look(&after_pull), Stand::NoLook);
        let looked = Traces { attempt: Some(RemoteAttempt::succeeded(Some(&pulled), at)), ..after_pull };
        assert_eq!(proof.look(&looked), Stand::Reached);
    }

    #[test]
    fn only_a_look_of_the_new_agent_counts() {
        let no_answer = Stand::NoAnswer("no route to host".to_owned());
        let old = Some(100);
        for (name, before, then) in [
            ("the old agent's look", (old, 5, 0), vec![((old, 6, 0), Stand::NoAgent)]),
            (
                "the plain way",
                (old, 5, 0),
                vec![((Some(200), 5, 0), Stand::NoLook), ((Some(200), 6, 0), Stand::Reached)],
            ),
            (
                "a look that ended before the new agent was seen",
                (old, 5, 0),
                vec![((Some(200), 6, 0), Stand::NoLook), ((Some(200), 7, 0), Stand::Reached)],
            ),
            (
                "a failure, then an answer",
                (old, 5, 0),
                vec![
                    ((Some(200), 5, 0), Stand::NoLook),
                    ((Some(200), 5, 1), no_answer.clone()),
                    ((Some(200), 6, 1), Stand::Reached),
                ],
            ),
            ("failures from before are not its own", (old, 0, 3), vec![((Some(200), 0, 3), Stand::NoLook)]),
            (
                "an agent that is started again and again",
                (old, 5, 0),
                vec![
                    ((Some(200), 5, 0), Stand::NoLook),
                    ((Some(201), 6, 0), Stand::NoLook),
                    ((Some(201), 6, 1), no_answer),
                    ((Some(202), 6, 1), Stand::NoLook),
                ],
            ),
            (
                "the clock was set back",
                (old, 5, 0),
                vec![((Some(50), 5, 0), Stand::NoLook), ((Some(50), 6, 0), Stand::Reached)],
            ),
            (
                "no agent before, and none for a while",
                (None, 0, 0),
                vec![
                    ((None, 1, 0), Stand::NoAgent),
                    ((Some(200), 1, 0), Stand::NoLook),
                    ((Some(200), 2, 0), Stand::Reached),
                ],
            ),
            ("its sign of life is gone", (old, 5, 0), vec![((None, 6, 0), Stand::NoAgent)]),
        ] {
            let mut proof = Proof::after(&traces(before));
            for (now, expected) in then {
                assert_eq!(proof.look(&traces(now)), expected, "{name}: {now:?}");
            }
        }
    }
}

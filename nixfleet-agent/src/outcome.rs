//! Exit codes.

use std::process::ExitCode;

use nixfleet_core::model::State;

/// How the command ended. Code 2, wrong usage, comes from the argument parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It could not be done; the sentence is on standard error.
    Failed,
    /// Done, and `--fail-on outdated` found something outdated and nothing worse.
    FoundOutdated,
    /// Done, and `--fail-on` found an error.
    FoundError,
    /// The operation was followed to its end, and failed.
    OperationFailed,
    /// The operation was followed to its end, which was not its own: stopped, out of time, killed, lost.
    OperationCutOff,
    /// The connection to another host was lost for good while an operation was followed; it goes on there.
    ConnectionLost,
    /// Done on all hosts of the fleet that could be reached; others were skipped.
    HostsSkipped,
    /// A signal ended following; the operation goes on.
    Detached,
}

/// Every exit code with its meaning: what `--help`, the man pages and `docs/status.md` list.
pub const EXIT_CODES: [(u8, &str); 10] = [
    (0, "done"),
    (1, "it could not be done; the reason is on standard error"),
    (2, "wrong usage"),
    (3, "--fail-on outdated: a compartment is outdated, none is in error"),
    (4, "--fail-on outdated, --fail-on error: a compartment is in error"),
    (5, "the operation failed"),
    (6, "the operation was stopped, timed out, was killed or lost"),
    (7, "--host: the connection was lost while the operation was followed; it goes on there"),
    (8, "fleet: done, but hosts that could not be reached or asked were skipped"),
    (130, "Ctrl-C ended following; the operation goes on"),
];

impl Outcome {
    /// The exit code, one of [`EXIT_CODES`].
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::FoundOutdated => 3,
            Self::FoundError => 4,
            Self::OperationFailed => 5,
            Self::OperationCutOff => 6,
            Self::ConnectionLost => 7,
            Self::HostsSkipped => 8,
            Self::Detached => 130,
        }
    }

    /// What `--fail-on` makes of the states: `threshold` is the mildest state that counts.
    pub fn of_states(states: impl IntoIterator<Item = State>, threshold: Option<State>) -> Self {
        let Some(threshold) = threshold else { return Self::Done };
        let worst = states
            .into_iter()
            .filter(|state| matches!(state, State::Outdated | State::Error))
            .filter(|state| state.urgency() >= threshold.urgency())
            .max_by_key(|state| state.urgency());
        match worst {
            Some(State::Error) => Self::FoundError,
            Some(_) => Self::FoundOutdated,
            None => Self::Done,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_on() {
        use State::{Error, Ok, Outdated, Unknown, Working};
        for (states, threshold, outcome) in [
            (&[Ok, Outdated, Error][..], None, Outcome::Done),
            (&[Ok, Unknown, Working], Some(Outdated), Outcome::Done),
            (&[Ok, Outdated, Unknown], Some(Outdated), Outcome::FoundOutdated),
            (&[Error, Outdated], Some(Outdated), Outcome::FoundError),
            (&[Ok, Outdated], Some(Error), Outcome::Done),
            (&[Ok, Error], Some(Error), Outcome::FoundError),
            (&[], Some(Error), Outcome::Done),
        ] {
            assert_eq!(Outcome::of_states(states.iter().copied(), threshold), outcome, "{states:?} {threshold:?}");
        }
    }

    #[test]
    fn every_outcome_is_in_the_list() {
        let outcomes = [
            Outcome::Done,
            Outcome::Failed,
            Outcome::FoundOutdated,
            Outcome::FoundError,
            Outcome::OperationFailed,
            Outcome::OperationCutOff,
            Outcome::ConnectionLost,
            Outcome::HostsSkipped,
            Outcome::Detached,
        ];
        for outcome in outcomes {
            assert_eq!(EXIT_CODES.iter().filter(|(code, _)| *code == outcome.code()).count(), 1, "{outcome:?}");
        }
    }
}

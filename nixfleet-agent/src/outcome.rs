//! Exit codes.

use std::process::ExitCode;

use nixfleet_core::model::State;

/// How the command ended. Code 2, wrong usage, comes from the argument parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done.
    Done,
    /// 1: it could not be done; the sentence is on standard error.
    Failed,
    /// 3: done, and `--fail-on outdated` found something outdated and nothing worse.
    FoundOutdated,
    /// 4: done, and `--fail-on` found an error.
    FoundError,
}

/// The exit codes, as `--help` and the man page list them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it could not be done; the reason is on standard error
  2  wrong usage
  3  --fail-on outdated: a compartment is outdated, none is in error
  4  --fail-on outdated, --fail-on error: a compartment is in error";

impl Outcome {
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
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::FoundOutdated => 3,
            Outcome::FoundError => 4,
        })
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
}

//! What a host needs, from its states alone.

use nixfleet_core::model::{Compartments, State};
use nixfleet_core::observation::Operation;

/// What is done with the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Movement {
    Pull,
    Switch,
    Test,
    Rollback,
    /// Pull, then switch.
    Update,
}

impl Movement {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Switch => "switch",
            Self::Test => "test",
            Self::Rollback => "rollback",
            Self::Update => "update",
        }
    }
}

/// What a host needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// These, one after the other; with a switch the tests have to be green at the end.
    Steps(Vec<Operation>),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// What a host with these states needs.
pub(crate) fn need(movement: Movement, states: Compartments<State>) -> Need {
    match movement {
        Movement::Pull => Need::Steps(vec![Operation::Pull]),
        Movement::Test => Need::Steps(vec![Operation::Test]),
        Movement::Rollback => Need::Steps(vec![Operation::Rollback]),
        Movement::Switch => switch_need(states),
        // Before the pull it can only be guessed what it will bring.
        Movement::Update => match switch_need(after_pull(states)) {
            Need::Steps(mut steps) => {
                steps.insert(0, Operation::Pull);
                Need::Steps(steps)
            }
            Need::Nothing(_) => Need::Steps(vec![Operation::Pull]),
        },
    }
}

fn after_pull(states: Compartments<State>) -> Compartments<State> {
    let system = if states.git == State::Outdated { State::Outdated } else { states.system };
    Compartments { system, ..states }
}

fn switch_need(states: Compartments<State>) -> Need {
    match (states.system, states.tests) {
        (State::Ok, State::Ok) => Need::Nothing("it runs what it should, and its tests are green"),
        (State::Ok, State::Unknown) => Need::Nothing("it runs what it should, and has no tests"),
        (State::Ok, _) => Need::Steps(vec![Operation::Test]),
        _ => Need::Steps(vec![Operation::Switch, Operation::Test]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_states_to_steps() {
        use Operation::{Pull, Rollback, Switch, Test};
        use State::{Error, Ok, Outdated, Unknown, Working};
        for (movement, git, system, tests, expected) in [
            (Movement::Pull, Ok, Ok, Ok, Some(&[Pull][..])),
            (Movement::Test, Ok, Ok, Ok, Some(&[Test])),
            (Movement::Rollback, Ok, Ok, Ok, Some(&[Rollback])),
            (Movement::Switch, Ok, Ok, Ok, None),
            (Movement::Switch, Outdated, Ok, Ok, None),
            (Movement::Switch, Ok, Ok, Unknown, None),
            (Movement::Switch, Ok, Ok, Outdated, Some(&[Test])),
            (Movement::Switch, Ok, Ok, Working, Some(&[Test])),
            (Movement::Switch, Ok, Ok, Error, Some(&[Test])),
            (Movement::Switch, Ok, Outdated, Ok, Some(&[Switch, Test])),
            (Movement::Switch, Ok, Error, Ok, Some(&[Switch, Test])),
            (Movement::Switch, Ok, Unknown, Outdated, Some(&[Switch, Test])),
            (Movement::Switch, Ok, Working, Ok, Some(&[Switch, Test])),
            (Movement::Update, Ok, Ok, Ok, Some(&[Pull])),
            (Movement::Update, Outdated, Ok, Ok, Some(&[Pull, Switch, Test])),
            (Movement::Update, Ok, Outdated, Ok, Some(&[Pull, Switch, Test])),
        ] {
            let states = Compartments { agent: Ok, git, lock: Ok, system, tests };
            let found = match need(movement, states) {
                Need::Steps(steps) => Some(steps),
                Need::Nothing(_) => None,
            };
            assert_eq!(found.as_deref(), expected, "{movement:?} {git} {system} {tests}");
        }
    }
}

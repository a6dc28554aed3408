//! The five states as five letters, as the table in the semantics writes them: G ok, Y outdated, R error, B working,
//! `-` unknown; in the order Agent, Git, Lock, System, Tests.

use nixfleet_core::model::{Compartment, HostStatus, State};

/// The letter of a state.
pub const fn letter(state: State) -> char {
    match state {
        State::Ok => 'G',
        State::Outdated => 'Y',
        State::Error => 'R',
        State::Working => 'B',
        State::Unknown => '-',
    }
}

/// The five letters of a status.
pub fn letters(status: &HostStatus) -> String {
    Compartment::ALL.into_iter().map(|compartment| letter(status.compartments.get(compartment).state)).collect()
}

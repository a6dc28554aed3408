//! The states of a host with their reasons.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Colour, Compartments, State};

/// The state of one compartment, why, since when, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompartmentStatus {
    /// The state.
    pub state: State,
    /// The state's colour, for readers of the serialised form; always [`State::colour`] of `state`.
    pub colour: Colour,
    /// One line for people. Its words are not an interface.
    pub reason: String,
    /// The suggested next step; `null` where there is nothing to do.
    pub action: Option<Action>,
    /// Since when the state holds, as far as the evidence tells: RFC 3339 in UTC, else `null`.
    pub since: Option<Timestamp>,
}

/// The five states of one host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStatus {
    /// The host's name: that of its configuration in the flake.
    pub host: String,
    /// The moment that the states were inferred for, RFC 3339 in UTC.
    pub at: Timestamp,
    /// The five, by name.
    pub compartments: Compartments<CompartmentStatus>,
}

impl HostStatus {
    /// The state that wants attention most.
    #[must_use]
    pub fn worst(&self) -> State {
        self.compartments
            .iter()
            .map(|(_, status)| status.state)
            .max_by_key(|state| state.urgency())
            .unwrap_or(State::Unknown)
    }
}

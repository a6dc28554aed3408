//! The outcome of the rules for one compartment.

use jiff::Timestamp;

use super::Reason;
use crate::model::{Action, CompartmentStatus, State};
use crate::one_line::without_disturbance;

/// The state of one compartment with a reason that is not yet text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The state.
    pub state: State,
    /// Why; its `Display` form is the line for people.
    pub reason: Reason<'a>,
    /// The suggested next step.
    pub action: Option<Action>,
    /// Since when the state holds, as far as the evidence tells. May lie after the present where the clock was set back.
    pub since: Option<Timestamp>,
}

impl<'a> Verdict<'a> {
    pub(super) fn new(state: State, reason: impl Into<Reason<'a>>) -> Self {
        Self { state, reason: reason.into(), action: None, since: None }
    }

    pub(super) fn action(self, action: Action) -> Self {
        Self { action: Some(action), ..self }
    }

    /// With a further sentence, where there is one.
    pub(super) fn note(self, note: Option<&'a str>) -> Self {
        match note {
            Some(note) => Self { reason: self.reason.noted(note), ..self },
            None => self,
        }
    }

    pub(super) fn since(self, since: impl Into<Option<Timestamp>>) -> Self {
        Self { since: since.into(), ..self }
    }

    /// With the reason as text. A `since` after `now` is shown as `now`: nobody has been in a state since tomorrow.
    #[must_use]
    pub fn to_status(&self, now: Timestamp) -> CompartmentStatus {
        CompartmentStatus {
            state: self.state,
            colour: self.state.colour(),
            // Evidence may carry anything, up to a terminal's escape sequences.
            reason: without_disturbance(self.reason.to_string()),
            action: self.action,
            since: self.since.map(|since| since.min(now)),
        }
    }
}

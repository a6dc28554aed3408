//! The state of one compartment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Colour;

/// The state of a compartment; serialised as the `state` label's value: `ok`, `outdated`, `error`, `working`, `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Current, passed: nothing to do.
    Ok,
    /// Outdated or not run: an update is due.
    Outdated,
    /// Failed: somebody has to look.
    Error,
    /// In progress: wait.
    Working,
    /// No signal yet, offline or disabled: check the configuration.
    Unknown,
}

impl State {
    /// All states, in the order of the metrics' documentation.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Outdated, Self::Error, Self::Working, Self::Unknown];

    /// The serialised form and label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Outdated => "outdated",
            Self::Error => "error",
            Self::Working => "working",
            Self::Unknown => "unknown",
        }
    }

    /// The colour it is shown in.
    #[must_use]
    pub const fn colour(self) -> Colour {
        match self {
            Self::Ok => Colour::Green,
            Self::Outdated => Colour::Yellow,
            Self::Error => Colour::Red,
            Self::Working => Colour::Blue,
            Self::Unknown => Colour::Gray,
        }
    }

    /// How much it wants a person's attention: 0 for [`State::Ok`] to 4 for [`State::Error`].
    /// Lists that show the worst first sort by it; it is not an interface beyond that order.
    #[must_use]
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Working => 1,
            Self::Unknown => 2,
            Self::Outdated => 3,
            Self::Error => 4,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

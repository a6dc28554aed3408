//! The five colours.

use serde::{Deserialize, Serialize};

/// The colour that stands for a [`State`](super::State); serialised as its lower-case English name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Current, passed.
    Green,
    /// Outdated, not run.
    Yellow,
    /// Failed.
    Red,
    /// In progress.
    Blue,
    /// No signal.
    Gray,
}

impl Colour {
    /// The serialised form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
            Self::Blue => "blue",
            Self::Gray => "gray",
        }
    }
}

//! The five compartments and one value for each of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the five questions asked of a host; serialised as the `compartment` label's value, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compartment {
    /// Is the running nixfleet-agent the expected one?
    Agent,
    /// Is the local repository up to date with the tracked branch of the remote?
    Git,
    /// Are the dependencies, pinned in `flake.lock`, current?
    Lock,
    /// Is the running system the one that the local repository asks for?
    System,
    /// Does the running system pass its tests?
    Tests,
}

impl Compartment {
    /// All compartments, in the order of the pipeline.
    pub const ALL: [Self; 5] = [Self::Agent, Self::Git, Self::Lock, Self::System, Self::Tests];

    /// The serialised form and label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Git => "git",
            Self::Lock => "lock",
            Self::System => "system",
            Self::Tests => "tests",
        }
    }

    /// The heading of its column, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Agent => "Agent",
            Self::Git => "Git",
            Self::Lock => "Lock",
            Self::System => "System",
            Self::Tests => "Tests",
        }
    }
}

impl fmt::Display for Compartment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// One value per compartment. Serialised as an object with the compartments' names as keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compartments<T> {
    /// Of [`Compartment::Agent`].
    pub agent: T,
    /// Of [`Compartment::Git`].
    pub git: T,
    /// Of [`Compartment::Lock`].
    pub lock: T,
    /// Of [`Compartment::System`].
    pub system: T,
    /// Of [`Compartment::Tests`].
    pub tests: T,
}

impl<T> Compartments<T> {
    /// The value of one compartment.
    pub const fn get(&self, compartment: Compartment) -> &T {
        match compartment {
            Compartment::Agent => &self.agent,
            Compartment::Git => &self.git,
            Compartment::Lock => &self.lock,
            Compartment::System => &self.system,
            Compartment::Tests => &self.tests,
        }
    }

    /// All five, in the order of the pipeline.
    pub fn iter(&self) -> impl Iterator<Item = (Compartment, &T)> {
        Compartment::ALL.into_iter().map(|compartment| (compartment, self.get(compartment)))
    }

    /// The same with each value passed through `change`.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Compartments<U> {
        Compartments {
            agent: change(self.agent),
            git: change(self.git),
            lock: change(self.lock),
            system: change(self.system),
            tests: change(self.tests),
        }
    }
}

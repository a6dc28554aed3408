//! One host of a fleet, as it is known at one moment.

use std::collections::BTreeMap;

use nixfleet_core::Revision;
use nixfleet_core::model::{Compartment, Compartments, State};
use serde::Serialize;

/// A host, with what is known of it; `nixfleet fleet status --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FleetHost {
    /// The name that people use.
    pub(crate) name: String,
    /// What it is called where it was found, such as the labels of its target in Prometheus.
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether it answers; `null` where nobody has asked.
    pub(crate) is_up: Option<bool>,
    /// The five states; `unknown` where they are not known.
    pub(crate) states: Compartments<State>,
    /// The commit that runs.
    pub(crate) revision: Option<Revision>,
    /// The branch that it tracks.
    pub(crate) branch: Option<String>,
    /// The commit of its checkout.
    pub(crate) local_revision: Option<Revision>,
    /// The tip of the tracked branch, as the host has seen it.
    pub(crate) remote_revision: Option<Revision>,
    /// Commits that the checkout is behind.
    pub(crate) commits_behind: Option<u64>,
    /// The generation that runs.
    pub(crate) generation: Option<u64>,
    /// It runs another commit than most hosts do.
    pub(crate) is_off_majority: bool,
    /// What else a person should know, a sentence each.
    pub(crate) notes: Vec<String>,
}

impl FleetHost {
    /// A host of which nothing is known but its name.
    pub(crate) fn unknown(name: &str) -> Self {
        let unknown = State::Unknown;
        Self {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            is_up: None,
            states: Compartments { agent: unknown, git: unknown, lock: unknown, system: unknown, tests: unknown },
            revision: None,
            branch: None,
            local_revision: None,
            remote_revision: None,
            commits_behind: None,
            generation: None,
            is_off_majority: false,
            notes: Vec::new(),
        }
    }

    /// The state that wants attention most.
    pub(crate) fn worst(&self) -> State {
        let states = self.states.iter().map(|(_, state)| *state);
        states.max_by_key(|state| state.urgency()).unwrap_or(State::Unknown)
    }

    /// How many compartments are in this state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.states.iter().filter(|(_, of)| **of == state).count()
    }
}

/// The state of one compartment, to be changed.
pub(crate) fn state_mut(states: &mut Compartments<State>, compartment: Compartment) -> &mut State {
    match compartment {
        Compartment::Agent => &mut states.agent,
        Compartment::Git => &mut states.git,
        Compartment::Lock => &mut states.lock,
        Compartment::System => &mut states.system,
        Compartment::Tests => &mut states.tests,
    }
}

/// Worst first: whoever has to act reads from the top.
pub(crate) fn sort_worst_first(hosts: &mut [FleetHost]) {
    hosts.sort_by_key(|host| {
        let worst = host.worst();
        let urgency = std::cmp::Reverse((worst.urgency(), host.count(worst)));
        (urgency, !host.is_off_majority, host.name.clone())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, states: [State; 5]) -> FleetHost {
        let [agent, git, lock, system, tests] = states;
        FleetHost { states: Compartments { agent, git, lock, system, tests }, ..FleetHost::unknown(name) }
    }

    #[test]
    fn the_worst_come_first() {
        use State::{Error as R, Ok as G, Outdated as Y, Unknown as X, Working as B};
        let mut hosts = [
            host("green", [G; 5]),
            host("drifted", [G; 5]),
            host("blue", [G, G, G, B, G]),
            host("gray", [X; 5]),
            host("yellow", [G, Y, G, G, G]),
            host("red", [G, G, G, G, R]),
            host("redder", [G, G, G, R, R]),
        ];
        hosts[1].is_off_majority = true;
        sort_worst_first(&mut hosts);
        let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["redder", "red", "yellow", "gray", "blue", "drifted", "green"]);
    }
}

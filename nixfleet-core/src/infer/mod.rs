//! The rules: from an [`Observation`] and the time to five states.
//!
//! Pure, total and deterministic. Everything that shows a state calls [`infer`] or [`verdicts`]: there is no second rule
//! anywhere. Each compartment has a file of its own and looks at its own evidence only.

mod agent;
mod git;
mod lock;
mod reason;
mod remote;
mod running_since;
mod system;
mod tests;
mod verdict;

use jiff::Timestamp;

pub use reason::Reason;
pub use system::{changed_outside, rollback_held, waits_for_boot};
pub use verdict::Verdict;

use crate::model::{Compartments, HostStatus};
use crate::observation::Observation;

/// The five states of a host at the time `now`, with their reasons as text.
#[must_use]
pub fn infer(observation: &Observation, now: Timestamp) -> HostStatus {
    HostStatus {
        host: observation.host.clone(),
        at: now,
        compartments: verdicts(observation, now).map(|verdict| verdict.to_status(now)),
    }
}

/// The five states of a host at the time `now`, without a word of text: reasons are made when they are displayed.
#[must_use]
pub fn verdicts(observation: &Observation, now: Timestamp) -> Compartments<Verdict<'_>> {
    Compartments {
        agent: agent::judge(observation, now),
        git: git::judge(observation, now),
        lock: lock::judge(observation, now),
        // Where operations are told of, and can be told of no more.
        system: system::judge(observation, now).note(observation.state_directory_problem.as_deref()),
        tests: tests::judge(observation, now).note(observation.tests_problem.as_deref()),
    }
}

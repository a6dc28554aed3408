//! What one collection came to: the evidence with its states, or the reason why there is none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::infer;
use nixfleet_core::model::{Action, CompartmentStatus, Compartments, HostStatus, State};
use nixfleet_core::observation::Observation;

use crate::Observe;

/// The outcome of one collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The five states; all unknown where there is no evidence.
    pub status: HostStatus,
    /// The evidence, or why there is none.
    pub outcome: Outcome,
}

/// The evidence of one collection, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was collected.
    Observed(Box<Observation>),
    /// It was not.
    Failed(Failure),
}

/// Why a collection came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It took longer than allowed.
    #[error("reading this host took longer than {} s: check its disks and file systems, then the exporter's log", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The observer panicked: a defect.
    #[error("reading this host failed unexpectedly: see the exporter's log and report it")]
    Panicked,
    /// No thread could be started.
    #[error("no thread could be started to read this host: check its limits of tasks and memory")]
    NoThread,
}

impl Snapshot {
    /// The evidence with the states that it has at the time `now`.
    #[must_use]
    pub fn observed(observation: Observation, now: Timestamp) -> Self {
        Self { status: infer(&observation, now), outcome: Outcome::Observed(Box::new(observation)) }
    }

    /// No evidence: all five states are unknown.
    #[must_use]
    pub fn failed(failure: Failure, now: Timestamp) -> Self {
        let unknown = || CompartmentStatus {
            state: State::Unknown,
            colour: State::Unknown.colour(),
            reason: failure.to_string(),
            action: Some(Action::ViewLogs),
            since: None,
        };
        let compartments =
            Compartments { agent: unknown(), git: unknown(), lock: unknown(), system: unknown(), tests: unknown() };
        let status = HostStatus { host: String::new(), at: now, compartments };
        Self { status, outcome: Outcome::Failed(failure) }
    }

    /// Observes and infers. A panic of either is a failed snapshot.
    #[must_use]
    pub fn take(observer: &dyn Observe) -> Self {
        // Nothing of this snapshot is used after a panic, so nothing half changed can be seen.
        catch_unwind(AssertUnwindSafe(|| Self::observed(observer.observe(), Timestamp::now())))
            .unwrap_or_else(|_| Self::failed(Failure::Panicked, Timestamp::now()))
    }

    /// The evidence, where there is any.
    #[must_use]
    pub fn observation(&self) -> Option<&Observation> {
        match &self.outcome {
            Outcome::Observed(observation) => Some(observation),
            Outcome::Failed(_) => None,
        }
    }
}

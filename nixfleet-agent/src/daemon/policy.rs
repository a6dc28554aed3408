//! What the agent does next. Pure: from what is observed, the past and the time to one decision.
//!
//! Nothing is remembered between two decisions that is not in the observation or in the journal of operations, so it makes
//! no difference whether a person or the agent started what happened before, nor whether the agent was killed since.

use std::path::Path;
use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime};
use nixfleet_core::Revision;
use nixfleet_core::config::{Automatic, PolicyConfig};
use nixfleet_core::infer::{changed_outside, waits_for_boot};
use nixfleet_core::observation::{Divergence, Observation, Operation, OperationResult, Source, TestsSetup};
use serde::{Deserialize, Serialize};

use super::memory::Memory;

/// What has no result is begun again, up to so many times in all.
const TRIES_WITHOUT_RESULT: u32 = 3;

/// After a failed pull it is tried again after this, and after twice as long each time …
const FIRST_PULL_PAUSE: Duration = Duration::from_mins(5);
/// … but at least this often.
const LONGEST_PULL_PAUSE: Duration = Duration::from_hours(1);

/// What the decision rests on beside the observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyState {
    pub(crate) policy: PolicyConfig,
    /// `repository.allow_rewritten_branch`.
    pub(crate) allow_rewritten_branch: bool,
    pub(crate) memory: Memory,
    /// How the commit that runs (`ahead`) and local HEAD (`behind`) lie to each other; absent where unknown.
    pub(crate) running_to_head: Option<Divergence>,
    /// When a person last asked for another try, by a reload or by another configuration.
    pub(crate) asked_again_at: Option<Timestamp>,
}

/// What to do, why, and when the answer may change by time alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) next: Next,
    /// One line for people.
    pub(crate) reason: String,
    pub(crate) look_again_at: Option<Timestamp>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Next {
    /// Start the unit of this operation.
    Start(Operation),
    /// An operation runs: until it ends there is nothing to decide.
    Wait(Operation),
    /// Nothing.
    Nothing,
}

impl Decision {
    /// The reason, also where there is none.
    pub(crate) fn words(&self) -> &str {
        if self.reason.is_empty() { "nothing to do" } else { &self.reason }
    }

    fn start(operation: Operation, reason: impl Into<String>) -> Self {
        Self { next: Next::Start(operation), reason: reason.into(), look_again_at: None }
    }

    fn nothing(reason: impl Into<String>) -> Self {
        Self { next: Next::Nothing, reason: reason.into(), look_again_at: None }
    }

    fn later(reason: impl Into<String>, look_again_at: Option<Timestamp>) -> Self {
        Self { look_again_at, ..Self::nothing(reason) }
    }
}

/// The next operation to start, or none. A repair goes before a new commit, a new commit before an older one.
pub(crate) fn decide(observation: &Observation, state: &PolicyState, now: &ZonedDateTime) -> Decision {
    let running = Operation::ALL.into_iter().find(|operation| observation.operations.of(*operation).running.is_some());
    if let Some(operation) = running {
        return Decision { next: Next::Wait(operation), reason: format!("{operation} runs"), look_again_at: None };
    }
    if let Some(decision) = rollback(observation, state).or_else(|| tests(observation, state)) {
        return decision;
    }
    let pull = pull(observation, state, now);
    if matches!(pull.next, Next::Start(_)) {
        return pull;
    }
    let switch = switch(observation, state, now);
    if matches!(switch.next, Next::Start(_)) {
        return switch;
    }
    let look_again_at = [pull.look_again_at, switch.look_again_at, readable_again_at(observation, now)];
    let look_again_at = look_again_at.into_iter().flatten().min();
    let reason = [pull.reason, switch.reason].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ");
    Decision { look_again_at, ..Decision::nothing(reason) }
}

/// What cannot be read now, of what a decision rests on, may be readable soon, and nobody tells when: a disk under load, an
/// activation that is just moving its links.
fn readable_again_at(observation: &Observation, now: &ZonedDateTime) -> Option<Timestamp> {
    let is_unreadable = |source| observation.unreadable(source).is_some();
    [Source::Repository, Source::System].into_iter().any(is_unreadable).then(|| now.timestamp())
}

/// The system that nixfleet deployed last, where it is the one that runs.
fn deployed_here(observation: &Observation) -> Option<&Path> {
    let running = &observation.system.running.present()?.store_path;
    let deployed = &observation.operations.deployed.as_ref()?.store_path;
    (running == deployed).then_some(running)
}

fn rollback(observation: &Observation, state: &PolicyState) -> Option<Decision> {
    if !state.policy.rollback_when_tests_fail || observation.tests == TestsSetup::Disabled {
        return None;
    }
    let store_path = deployed_here(observation)?;
    if observation.operations.last_deployment != Some(Operation::Switch) {
        return None;
    }
    // Without a commit, "once per commit" cannot be kept.
    let revision = observation.operations.deployed.as_ref()?.revision.as_ref()?;
    let mut runs = state.memory.tests_of(store_path);
    // What passed its tests once is not what breaks them now.
    let never_passed = runs.all(|run| run.result != Some(OperationResult::Success));
    let last_failed = state.memory.tests_of(store_path).last()?.result == Some(OperationResult::Failed);
    if !never_passed || !last_failed || state.memory.rolled_back_from.contains(revision) {
        return None;
    }
    Some(Decision::start(Operation::Rollback, format!("the tests failed after the switch to {}", revision.short())))
}

fn tests(observation: &Observation, state: &PolicyState) -> Option<Decision> {
    if !state.policy.test_after_switch || !matches!(observation.tests, TestsSetup::Found(_)) {
        return None;
    }
    let last = observation.operations.last_deployment()?;
    let store_path = deployed_here(observation).filter(|_| last.result == OperationResult::Success)?;
    let mut without_result = 0;
    for run in state.memory.tests_of(store_path) {
        if run.result.is_some() {
            return None;
        }
        without_result += 1;
    }
    (without_result < TRIES_WITHOUT_RESULT).then(|| {
        Decision::start(Operation::Test, format!("{} brought a system that is not tested yet", last.operation))
    })
}

fn pull(observation: &Observation, state: &PolicyState, now: &ZonedDateTime) -> Decision {
    if state.policy.pull == Automatic::Off {
        return Decision::nothing("");
    }
    let remote = &observation.remote;
    let Some(tip) = &remote.last_good else { return Decision::nothing("the remote was not read yet") };
    if remote.last_attempt.as_ref().is_some_and(|attempt| attempt.error.is_some()) {
        return Decision::nothing("the remote cannot be read");
    }
    if let Some(sentence) = observation.repository.error() {
        return Decision::nothing(sentence);
    }
    let head = observation.repository.present().and_then(|repository| repository.head.as_ref());
    if head == Some(&tip.revision) {
        return Decision::nothing("up to date");
    }
    if let Some(Divergence { ahead, behind }) = observation.divergence {
        if behind.is_zero() {
            return Decision::nothing(format!("commits that the remote lacks: {ahead}; a person decides"));
        }
        if !ahead.is_zero() && !state.allow_rewritten_branch {
            return Decision::nothing("the repository and the remote have diverged: a person decides");
        }
    }
    let failed = &state.memory.failed_pulls;
    let is_the_same = failed.revision.as_ref().is_none_or(|revision| *revision == tip.revision);
    // A wish in the future is a clock that was set back since: it would hold for each try until then.
    let asked_again_at = state.asked_again_at.filter(|at| *at <= now.timestamp());
    let waits = is_the_same && failed.count > 0 && asked_again_at <= failed.last_at;
    if let (true, Some(last_at)) = (waits, failed.last_at) {
        let doubled = 2_u32.saturating_pow(failed.count.saturating_sub(1));
        let again = last_at.checked_add(FIRST_PULL_PAUSE.saturating_mul(doubled).min(LONGEST_PULL_PAUSE)).ok();
        // A failure in the future is a clock that was set back since.
        if let Some(again) = again.filter(|again| now.timestamp() < *again && last_at <= now.timestamp()) {
            return Decision::later(
                format!("pulls that failed in a row: {}; the next try is at {again}", failed.count),
                Some(again),
            );
        }
    }
    when_allowed(&state.policy.pull, Operation::Pull, &tip.revision, now)
}

fn switch(observation: &Observation, state: &PolicyState, now: &ZonedDateTime) -> Decision {
    if state.policy.switch == Automatic::Off {
        return Decision::nothing("");
    }
    let Some(head) = observation.repository.present().and_then(|repository| repository.head.as_ref()) else {
        return Decision::nothing("no local commit to deploy");
    };
    let Some(running) = observation.system.running.present() else {
        return Decision::nothing("the running system is unknown");
    };
    let operations = &observation.operations;
    let deployed = operations.deployed.as_ref().and_then(|deployed| deployed.revision.as_ref());
    if deployed == Some(head) || running.revision.as_ref() == Some(head) {
        if changed_outside(observation) == Some(true) {
            return Decision::nothing("the system was changed by hand: a person decides");
        }
        let waits = running.revision.as_ref() != Some(head) && waits_for_boot(observation).is_some();
        return Decision::nothing(if waits {
            format!("{} starts at the next boot", head.short())
        } else {
            String::new()
        });
    }
    let short = head.short();
    if operations.held.as_ref().is_some_and(|held| held.revision == *head) {
        return Decision::nothing(format!("{short} is held"));
    }
    if state.memory.tried.contains(head) {
        return Decision::nothing(format!("{short} was tried already: a new commit or a person continues"));
    }
    if state.memory.broken_off.get(head).is_some_and(|count| *count >= TRIES_WITHOUT_RESULT) {
        return Decision::nothing(format!("{short} was begun {TRIES_WITHOUT_RESULT} times and never ended"));
    }
    if let Some(reason) = not_from_the_remote(observation, short).or_else(|| not_newer(observation, state, short)) {
        return Decision::nothing(reason);
    }
    when_allowed(&state.policy.switch, Operation::Switch, head, now)
}

/// What is not on the remote's branch was not reviewed.
fn not_from_the_remote(observation: &Observation, short: &str) -> Option<String> {
    match observation.divergence {
        Some(divergence) if divergence.ahead.is_zero() => None,
        Some(_) => Some(format!("{short} is not on the remote's branch: a person decides")),
        None => Some(format!("whether {short} is on the remote's branch is not known")),
    }
}

/// Forward only: what runs must be in the history of what comes.
fn not_newer(observation: &Observation, state: &PolicyState, short: &str) -> Option<String> {
    // Where nothing is known to run, there is nothing that it could be older than.
    running_revision(observation)?;
    match state.running_to_head {
        Some(divergence) if divergence.behind.is_zero() => Some(format!("{short} is older than what runs")),
        Some(divergence) if divergence.ahead.is_zero() || state.allow_rewritten_branch => None,
        Some(_) => Some(format!("{short} does not contain what runs: a person decides")),
        None => Some(format!("whether {short} is newer than what runs is not known: a person decides")),
    }
}

/// The commit that runs as the system says, else the one that nixfleet deployed last.
pub(crate) fn running_revision(observation: &Observation) -> Option<&Revision> {
    let deployed = || observation.operations.deployed.as_ref()?.revision.as_ref();
    observation.system.running.present()?.revision.as_ref().or_else(deployed)
}

fn when_allowed(automatic: &Automatic, operation: Operation, revision: &Revision, now: &ZonedDateTime) -> Decision {
    let start = || Decision::start(operation, format!("{} is new", revision.short()));
    match automatic {
        Automatic::Off => Decision::nothing(""),
        Automatic::On => start(),
        Automatic::Window(window) if window.is_open_at(now.datetime()) => start(),
        Automatic::Window(window) => {
            let opening = window.next_opening(now.datetime());
            let opening = opening.and_then(|opening| now.time_zone().to_timestamp(opening).ok());
            Decision::later(format!("{operation} waits for its window ({window})"), opening)
        }
    }
}

#[cfg(test)]
#[path = "policy_tests/mod.rs"]
mod tests;

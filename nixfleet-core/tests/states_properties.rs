//! What holds for every observation whatever.

#![allow(clippy::assigning_clones, reason = "evidence is exchanged in one and the same form, line by line")]

mod arbitrary_host;

use arbitrary_host::{observation, timestamp};
use nixfleet_core::infer;
use nixfleet_core::model::{Compartment, State};
use nixfleet_core::observation::{Observation, Reading};
use proptest::prelude::*;

/// Takes the evidence that only `compartment` answers from out of `other`. What two compartments share stays:
/// local HEAD (Git, System), whether the remote can be read (Git, Lock), which system runs (System, Tests).
fn exchange_evidence(compartment: Compartment, of: &Observation, other: &Observation) -> Observation {
    let mut changed = of.clone();
    match compartment {
        Compartment::Agent => changed.agent = other.agent.clone(),
        Compartment::Git => {
            changed.operations.pull.running = other.operations.pull.running.clone();
            changed.divergence = other.divergence;
            if let (Some(tip), Some(other)) = (&mut changed.remote.last_good, &other.remote.last_good) {
                tip.revision = other.revision.clone();
                tip.subject = other.subject.clone();
            }
            if let (Reading::Present(local), Reading::Present(other)) = (&mut changed.repository, &other.repository) {
                local.uncommitted_changes = other.uncommitted_changes;
                local.branch = other.branch.clone();
            }
        }
        Compartment::Lock => {
            changed.local_lock = other.local_lock.clone();
            changed.pull_requests = other.pull_requests.clone();
            if let (Some(tip), Some(other)) = (&mut changed.remote.last_good, &other.remote.last_good) {
                tip.lock = other.lock.clone();
            }
        }
        Compartment::System => {
            changed.operations.switch = other.operations.switch.clone();
            changed.operations.rollback = other.operations.rollback.clone();
            changed.operations.last_deployment = other.operations.last_deployment;
            changed.operations.deployed = other.operations.deployed.clone();
            changed.operations.held = other.operations.held.clone();
            changed.system.generations = other.system.generations.clone();
            changed.system.booted_store_path = other.system.booted_store_path.clone();
            changed.system.reboot_required = other.system.reboot_required;
        }
        Compartment::Tests => {
            changed.operations.test = other.operations.test.clone();
            changed.tests = other.tests;
            changed.last_test_run = other.last_test_run.clone();
        }
    }
    changed
}

fn states(observation: &Observation, now: jiff::Timestamp) -> Vec<(Compartment, State)> {
    infer(observation, now).compartments.iter().map(|(name, status)| (name, status.state)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_compartments_evidence_changes_no_other_state(one in observation(), other in observation(), now in timestamp()) {
        for compartment in Compartment::ALL {
            let changed = states(&exchange_evidence(compartment, &one, &other), now);
            for (before, after) in states(&one, now).into_iter().zip(changed) {
                prop_assert!(before.0 == compartment || before == after, "{compartment} changed {before:?} to {after:?}");
            }
        }
    }

    #[test]
    fn the_same_observation_gives_the_same_status(one in observation(), now in timestamp()) {
        prop_assert_eq!(infer(&one, now), infer(&one.clone(), now));
    }

    #[test]
    fn a_remote_past_its_grace_is_an_error_and_never_unknown(mut one in observation(), now in timestamp()) {
        let (Reading::Present(_), Reading::Present(_)) = (&one.repository, &one.local_lock) else { return Ok(()) };
        one.operations.pull.running = None;
        let Some(attempt) = &mut one.remote.last_attempt else { return Ok(()) };
        attempt.error = Some("cannot connect".into());
        attempt.failures_in_a_row = one.settings.remote_grace_tries;
        attempt.failing_since = now.checked_sub(one.settings.remote_grace).ok();
        prop_assume!(attempt.failing_since.is_some());
        let status = infer(&one, now).compartments;
        prop_assert_eq!(status.git.state, State::Error, "{}", status.git.reason);
        prop_assert_eq!(status.lock.state, State::Error, "{}", status.lock.reason);
    }

    #[test]
    fn every_status_can_be_shown(one in observation(), now in timestamp()) {
        let status = infer(&one, now);
        for (_, compartment) in status.compartments.iter() {
            prop_assert_eq!(compartment.colour, compartment.state.colour());
            prop_assert!(!compartment.reason.contains(char::is_control), "{:?}", compartment.reason);
            prop_assert!(compartment.since.is_none_or(|since| since <= now));
            // Whoever reads yellow or red is told the next step.
            if matches!(compartment.state, State::Outdated | State::Error) {
                prop_assert!(compartment.action.is_some(), "{}", compartment.reason);
            }
        }
        let json = serde_json::to_string(&status).unwrap();
        prop_assert_eq!(serde_json::from_str::<nixfleet_core::model::HostStatus>(&json).unwrap(), status);
    }
}

//! Hosts for the exporter's tests: full, maximal, hostile.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use nixfleet_core::Sha256;
use nixfleet_core::observation::{
    FlakeInput, IndividualTest, IndividualTestResult, Observation, Operation, OperationResult, PullRequest, Reading,
    RunningOperation,
};
use nixfleet_exporter::{Observe, Snapshot};

use world::scenario::{Host, before, now, revision};

/// An observer that always sees the same.
#[derive(Debug)]
pub struct Fixed(pub Observation);

impl Observe for Fixed {
    fn observe(&self) -> Observation {
        self.0.clone()
    }
}

pub fn snapshot(observation: Observation) -> Arc<Snapshot> {
    Arc::new(Snapshot::observed(observation, now()))
}

/// Has every metric.
pub fn full() -> Observation {
    let mut host = Host::base().pull_request_opened().pulled().switched().tests_failed().rolled_back().0;
    if let Reading::Present(heartbeat) = &mut host.agent.heartbeat {
        heartbeat.revision = Some(revision('5'));
    }
    host.agent.pinned_revision = Some(revision('5'));
    if let (Reading::Present(generations), Reading::Present(running), Reading::Present(booted)) =
        (&mut host.system.generations, &host.system.running, &mut host.system.booted_store_path)
    {
        booted.clone_from(&generations[0].store_path);
        let mut newest = generations[0].clone();
        newest.number = 42;
        newest.store_path.clone_from(&running.store_path);
        newest.created_at = before(4);
        generations.push(newest);
    }
    for operation in Operation::ALL {
        let record = host.operations.of_mut(operation);
        record.last_success_at = Some(before(4));
        record.totals = BTreeMap::from([(OperationResult::Success, 12), (OperationResult::Failed, 1)]);
    }
    host.operations.switch.totals.insert(OperationResult::TimedOut, 2);
    host.operations.pull.running =
        Some(RunningOperation { invocation_id: "1".into(), started_at: before(1), phase: None, revision: None });
    host
}

/// Has more of everything than is ever shown.
pub fn maximal() -> Observation {
    let mut host = full();
    for operation in Operation::ALL {
        let record = host.operations.of_mut(operation);
        record.totals = OperationResult::ALL.map(|result| (result, u64::MAX)).into();
    }
    // A tests' run and a rollback that ran leave all of the last run's metrics; so do the others.
    let last = host.operations.rollback.last.clone();
    for operation in Operation::ALL {
        host.operations.of_mut(operation).last.clone_from(&last);
    }
    host.operations.pull.running = None;
    host.pull_requests.last_good.as_mut().unwrap().open = (0..50)
        .map(|number| PullRequest {
            number,
            url: format!("https://user:secret@example.org/pull/{number}?token=secret"),
            title: String::new(),
            opened_at: before(number),
            head_revision: None,
            author: None,
        })
        .collect();
    let tests = (0..100).map(|number| IndividualTest {
        name: format!("{number:02}"),
        result: match number {
            90.. => IndividualTestResult::Failed,
            80.. => IndividualTestResult::TimedOut,
            70.. => IndividualTestResult::Skipped,
            _ => IndividualTestResult::Passed,
        },
        duration_seconds: 1,
        exit_code: None,
    });
    host.last_test_run.as_mut().unwrap().tests = tests.collect();
    if let Reading::Present(lock) = &mut host.local_lock {
        lock.inputs = (0..100).map(|number| input(&format!("input{number:02}"))).collect();
        lock.inputs.extend(["nixfleet", "nixpkgs"].map(input));
        let mut remote = lock.clone();
        remote.inputs[77].locked_sha256 = Sha256::of(b"newer");
        host.remote.last_good.as_mut().unwrap().lock = Some(remote);
    }
    host
}

pub fn input(name: &str) -> FlakeInput {
    FlakeInput {
        name: name.into(),
        kind: "github".into(),
        reference: format!("github:example/{name}"),
        revision: None,
        last_modified_at: Some(before(60)),
        locked_sha256: Sha256::of(name.as_bytes()),
    }
}

pub const HOSTILE: &str = "line\nend \"quoted\" back\\slash \\n tab\t cr\r bell\u{7} nul\0 esc\u{1b}[31m é 🦀 \u{2028}\u{202e} # EOF } 1\n# EOF\n";

/// Says of itself whatever could break a text format.
pub fn hostile() -> Observation {
    let mut host = maximal();
    host.remote.branch = Some(HOSTILE.into());
    host.agent.observer_version = HOSTILE.repeat(100);
    host.last_test_run.as_mut().unwrap().tests[95].name = HOSTILE.into();
    if let Reading::Present(lock) = &mut host.local_lock {
        lock.inputs[77].name = HOSTILE.into();
    }
    if let Reading::Present(system) = &mut host.system.running {
        system.nixos_version = Some(HOSTILE.into());
        system.store_path = HOSTILE.into();
    }
    host.pull_requests.last_good.as_mut().unwrap().open[0].url = format!("https://example.org/{HOSTILE}");
    host
}

//! A host as a story: each method changes the evidence as the event of its name would on a real host.

mod agent;
mod base;
mod checkout;
mod operations;
mod pull_requests;
mod remote;
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::observation::{
    FinishedOperation, FlakeInput, IndividualTest, IndividualTestResult, LockFile, Observation, Operation,
    OperationResult, Phase, Reading, RunningOperation, TestRun,
};
use nixfleet_core::{Revision, Sha256};

/// The moment of every story's last event.
pub fn now() -> Timestamp {
    "2026-03-16T12:00:00Z".parse().unwrap()
}

pub fn before(minutes: u64) -> Timestamp {
    now() - Duration::from_secs(60 * minutes)
}

/// A commit id made of one digit.
pub fn revision(digit: char) -> Revision {
    String::from(digit).repeat(40).parse().unwrap()
}

pub fn store_path(name: &str) -> PathBuf {
    format!("/nix/store/00000000000000000000000000000000-nixos-system-{name}").into()
}

pub fn lock(content: &str) -> LockFile {
    LockFile {
        sha256: Sha256::of(content.as_bytes()),
        inputs: vec![FlakeInput {
            name: "nixpkgs".into(),
            kind: "github".into(),
            reference: "github:NixOS/nixpkgs/nixos-unstable".into(),
            revision: Some(revision('e').to_string()),
            last_modified_at: Some(before(60 * 24 * 3)),
            locked_sha256: Sha256::of(content.as_bytes()),
        }],
        problem: None,
    }
}

/// The evidence of one host, and the events that change it.
#[derive(Clone, Debug)]
pub struct Host(pub Observation);

impl Host {
    fn head(&self) -> Option<Revision> {
        self.0.repository.present()?.head.clone()
    }

    fn finished(&self, operation: Operation, result: OperationResult, minutes_ago: u64) -> FinishedOperation {
        FinishedOperation {
            operation,
            invocation_id: format!("{operation}-{minutes_ago}"),
            started_at: before(minutes_ago),
            ended_at: Some(before(minutes_ago)),
            result,
            exit_code: Some(i32::from(result != OperationResult::Success)),
            phase: None,
            revision: self.head(),
            store_path: self.0.system.running.present().map(|system| system.store_path.clone()),
            generation: None,
            detail: None,
        }
    }

    fn ended(mut self, operation: Operation, result: OperationResult) -> Self {
        let finished = self.finished(operation, result, 4);
        if matches!(operation, Operation::Switch | Operation::Rollback) {
            self.0.operations.last_deployment = Some(operation);
        }
        let record = self.0.operations.of_mut(operation);
        record.running = None;
        record.last = Some(finished);
        self
    }

    fn running(mut self, operation: Operation, phase: Option<Phase>) -> Self {
        let head = self.head();
        self.0.operations.of_mut(operation).running =
            Some(RunningOperation { invocation_id: "now".into(), started_at: before(1), phase, revision: head });
        self
    }

    fn tests_end(&mut self, result: OperationResult) {
        let outcome =
            if result == OperationResult::Failed { IndividualTestResult::Failed } else { IndividualTestResult::Passed };
        let test =
            |name: &str, result| IndividualTest { name: name.into(), result, duration_seconds: 1, exit_code: None };
        let system = self.0.system.running.present().unwrap();
        self.0.last_test_run = Some(TestRun {
            store_path: Some(system.store_path.clone()),
            revision: system.revision.clone(),
            started_at: before(4),
            ended_at: Some(before(3)),
            result,
            tests: vec![test("10-ssh", IndividualTestResult::Passed), test("20-web", outcome)],
        });
    }

    fn run_system(&mut self, name: &str, revision: Option<Revision>) {
        if let Reading::Present(system) = &mut self.0.system.running {
            system.store_path = store_path(name);
            system.revision = revision;
        }
    }
}

//! A host in a few numbers, with its past.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nixfleet_core::observation::{
    BoundedCount, LocalRepository, Reading, RemoteAttempt, RunningSystem, SystemObservation,
};
use nixfleet_core::state_directory::{CommitHeld, CommitReleased, Ended, FoldContext, JournalEntry, Started, history};
use world::scenario::Host;

use super::super::*;

/// A host in a few numbers: commits are numbered from 1, each with its parent.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) parents: Vec<usize>,
    pub(super) tip: usize,
    pub(super) head: usize,
    pub(super) running: usize,
    pub(super) generations: Vec<usize>,
    pub(super) entries: Vec<JournalEntry>,
    pub(super) policy: PolicyConfig,
    pub(super) allow_rewritten_branch: bool,
    pub(super) remote_error: Option<String>,
    /// Local time, in UTC.
    pub(super) now: ZonedDateTime,
    pub(super) runs: Option<(Operation, String)>,
    pub(super) asked_again_at: Option<Timestamp>,
    /// Its switches are for the next boot.
    pub(super) switches_for_next_boot: bool,
}

pub(super) const SUCCESS: Option<OperationResult> = Some(OperationResult::Success);
pub(super) const FAILED: Option<OperationResult> = Some(OperationResult::Failed);

pub(super) fn revision(commit: usize) -> Revision {
    format!("{commit:040x}").parse().unwrap()
}

pub(super) fn store_path(commit: usize) -> PathBuf {
    format!("/nix/store/{commit}-system").into()
}

pub(super) fn noon() -> ZonedDateTime {
    "2026-11-23T12:00:00[UTC]".parse().unwrap()
}

pub(super) fn automatic() -> PolicyConfig {
    PolicyConfig { pull: Automatic::On, switch: Automatic::On, test_after_switch: true, rollback_when_tests_fail: true }
}

impl Story {
    /// Commit 1 is the remote's, the checkout's, and runs. A Monday, at noon.
    pub(super) fn new(policy: PolicyConfig) -> Self {
        Self {
            parents: vec![0, 0],
            tip: 1,
            head: 1,
            running: 1,
            generations: vec![1],
            entries: Vec::new(),
            policy,
            allow_rewritten_branch: false,
            remote_error: None,
            now: noon(),
            runs: None,
            asked_again_at: None,
            switches_for_next_boot: false,
        }
    }

    /// A person reloads the agent.
    pub(super) fn reloads(self) -> Self {
        Self { asked_again_at: Some(self.now.timestamp()), ..self }
    }

    pub(super) fn later(mut self, duration: Duration) -> Self {
        self.now = self.now.checked_add(duration).unwrap();
        self
    }

    pub(super) fn commit_on(&mut self, parent: usize) -> usize {
        self.parents.push(parent);
        self.parents.len() - 1
    }

    pub(super) fn push(mut self) -> Self {
        self.tip = self.commit_on(self.tip);
        self
    }

    /// A forced push: the tip is replaced by another commit on its parent.
    pub(super) fn rewrite(mut self) -> Self {
        self.tip = self.commit_on(self.parents[self.tip]);
        self
    }

    pub(super) fn history(&self) -> BTreeSet<usize> {
        self.ancestors(self.head)
    }

    pub(super) fn ancestors(&self, commit: usize) -> BTreeSet<usize> {
        std::iter::successors(Some(commit), |commit| Some(self.parents[*commit])).take_while(|it| *it != 0).collect()
    }

    pub(super) fn divergence(&self, from: usize, to: usize) -> Divergence {
        let (from, to) = (self.ancestors(from), self.ancestors(to));
        let only = |a: &BTreeSet<usize>, b| BoundedCount::exactly(u32::try_from(a.difference(b).count()).unwrap());
        Divergence { ahead: only(&from, &to), behind: only(&to, &from) }
    }

    pub(super) fn started(&mut self, operation: Operation) -> String {
        let invocation_id = format!("{:032x}", self.entries.len());
        let at = self.now.timestamp();
        self.entries.push(JournalEntry::Started(Started {
            operation,
            unit: format!("nixfleet-{operation}.service"),
            invocation_id: invocation_id.clone(),
            boot_id: Some("this".to_owned()),
            at,
            revision: match operation {
                Operation::Pull => Some(revision(self.tip)),
                Operation::Switch => Some(revision(self.head)),
                Operation::Test => Some(revision(self.running)),
                Operation::Rollback => None,
            },
            from_revision: (operation == Operation::Rollback).then(|| revision(self.running)),
            from_store_path: Some(store_path(self.running)),
        }));
        invocation_id
    }

    pub(super) fn ended(&mut self, operation: Operation, invocation_id: String, result: OperationResult) {
        let (mut went_to, mut next_boot_store_path) = (None, None);
        if result == OperationResult::Success {
            match operation {
                Operation::Pull => self.head = self.tip,
                Operation::Switch if self.switches_for_next_boot => {
                    next_boot_store_path = Some(store_path(self.head));
                    self.generations.push(self.head);
                }
                Operation::Switch => {
                    self.running = self.head;
                    self.generations.push(self.head);
                }
                Operation::Rollback => {
                    let position = self.generations.iter().rposition(|it| *it == self.running).unwrap();
                    let earlier = self.generations[..position].iter().rev().find(|it| **it != self.running);
                    self.running = *earlier.unwrap_or(&self.running);
                    went_to = Some(revision(self.running));
                }
                Operation::Test => {}
            }
        }
        self.entries.push(JournalEntry::Ended(Ended {
            operation,
            invocation_id,
            at: self.now.timestamp(),
            result,
            exit_code: None,
            signal: None,
            phase: None,
            revision: went_to,
            from_revision: None,
            store_path: Some(store_path(self.running)),
            next_boot_store_path,
            generation: None,
            detail: None,
            tests: None,
        }));
    }

    /// By whomever.
    pub(super) fn does(mut self, operation: Operation, result: Option<OperationResult>) -> Self {
        self.perform(operation, result);
        self
    }

    pub(super) fn perform(&mut self, operation: Operation, result: Option<OperationResult>) {
        let invocation_id = self.started(operation);
        if let Some(result) = result {
            self.ended(operation, invocation_id, result);
        }
        self.now = self.now.checked_add(Duration::from_secs(20)).unwrap();
    }

    pub(super) fn begins(mut self, operation: Operation) -> Self {
        let invocation_id = self.started(operation);
        self.runs = Some((operation, invocation_id));
        self
    }

    pub(super) fn holds(mut self, commit: usize) -> Self {
        self.entries.push(JournalEntry::Held(CommitHeld { at: self.now.timestamp(), revision: revision(commit) }));
        self
    }

    pub(super) fn releases(mut self, commit: usize) -> Self {
        let released = CommitReleased { at: self.now.timestamp(), revision: revision(commit) };
        self.entries.push(JournalEntry::Released(released));
        self
    }

    pub(super) fn boots(mut self) -> Self {
        self.running = *self.generations.last().unwrap();
        self
    }

    pub(super) fn by_hand(mut self) -> Self {
        self.running = self.commit_on(0);
        self
    }

    pub(super) fn evidence(&self) -> (Observation, PolicyState) {
        let now = self.now.timestamp();
        let live = self.runs.iter().map(|(_, id)| id.clone()).collect();
        let context = FoldContext { boot_id: Some("this".to_owned()), live_invocations: Some(live), now };
        let mut observation = Host::base().0;
        observation.operations = history(&self.entries, &context).operations;
        observation.repository = Reading::Present(LocalRepository {
            path: "/repo".into(),
            head: Some(revision(self.head)),
            branch: Some("main".to_owned()),
            uncommitted_changes: Some(0),
            shallow: false,
        });
        if let Some(tip) = &mut observation.remote.last_good {
            tip.revision = revision(self.tip);
        }
        observation.remote.last_attempt = Some(match &self.remote_error {
            None => RemoteAttempt::succeeded(None, now),
            Some(error) => RemoteAttempt::failed(None, now, error.as_str()),
        });
        observation.divergence = Some(self.divergence(self.head, self.tip));
        observation.system = SystemObservation {
            running: Reading::Present(RunningSystem {
                store_path: store_path(self.running),
                revision: Some(revision(self.running)),
                nixos_version: None,
                kernel_version: None,
            }),
            ..SystemObservation::not_observed()
        };
        observation.tests = TestsSetup::Found(1);
        let state = PolicyState {
            policy: self.policy.clone(),
            allow_rewritten_branch: self.allow_rewritten_branch,
            memory: Memory::of(&self.entries),
            running_to_head: Some(self.divergence(self.running, self.head)),
            asked_again_at: self.asked_again_at,
        };
        (observation, state)
    }

    pub(super) fn decide(&self) -> Decision {
        let (observation, state) = self.evidence();
        decide(&observation, &state, &self.now)
    }

    pub(super) fn next(&self) -> String {
        match self.decide().next {
            Next::Start(operation) => operation.to_string(),
            Next::Wait(operation) => format!("wait for {operation}"),
            Next::Nothing => "nothing".to_owned(),
        }
    }

    /// All that the agent does by itself until it comes to rest, with each operation ending like this.
    pub(super) fn acts(&mut self, result: impl Fn(Operation) -> Option<OperationResult>) -> Vec<Operation> {
        let mut done = Vec::new();
        while let Next::Start(operation) = self.decide().next {
            self.perform(operation, result(operation));
            done.push(operation);
            assert!(done.len() < 50, "it does not come to rest: {done:?}");
        }
        done
    }
}

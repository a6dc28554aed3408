//! A host as a story: each method changes the evidence as the event of its name would on a real host.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::observation::{
    AgentHeartbeat, AgentObservation, BoundedCount, Deployed, Divergence, FinishedOperation, FlakeInput, Generation,
    Held, IndividualTest, IndividualTestResult, InferenceSettings, LocalRepository, LockFile, Observation, Operation,
    OperationHistory, OperationResult, Phase, PullRequest, PullRequestList, PullRequestStatus, Pulled, Reading,
    RemoteAttempt, RemoteCommit, RemoteStatus, RunningOperation, RunningSystem, SystemObservation, TestRun, TestsSetup,
    UntilBoot,
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
    /// Online, all equal, deployed = local HEAD, tests passed on the running system.
    pub fn base() -> Self {
        let head = revision('a');
        let system = store_path("a");
        let mut operations = OperationHistory {
            deployed: Some(Deployed {
                revision: Some(head.clone()),
                store_path: system.clone(),
                at: before(600),
                until_boot: None,
            }),
            last_deployment: Some(Operation::Switch),
            ..OperationHistory::default()
        };
        let mut host = Self(Observation {
            host: "web1".into(),
            settings: InferenceSettings::default(),
            agent: AgentObservation {
                heartbeat: Reading::Present(AgentHeartbeat {
                    version: "0.1.0".into(),
                    revision: None,
                    started_at: before(700),
                    heartbeat_at: before(1),
                    next_check_at: None,
                }),
                pinned_revision: None,
                observer_version: "0.1.0".into(),
            },
            repository: Reading::Present(LocalRepository {
                path: "/var/lib/nixfleet/repo".into(),
                head: Some(head.clone()),
                branch: Some("main".into()),
                uncommitted_changes: Some(0),
                shallow: false,
            }),
            local_lock: Reading::Present(lock("a")),
            remote: RemoteStatus {
                url: Some("https://example.org/fleet.git".into()),
                branch: Some("main".into()),
                last_good: Some(RemoteCommit {
                    url: "https://example.org/fleet.git".into(),
                    branch: "main".into(),
                    revision: head.clone(),
                    subject: "web1: open port 443".into(),
                    committed_at: before(800),
                    lock: Some(lock("a")),
                    first_seen_at: before(790),
                    confirmed_at: before(2),
                    earlier_tips: Vec::new(),
                    distance: None,
                }),
                last_attempt: Some(RemoteAttempt {
                    at: before(2),
                    error: None,
                    failures_in_a_row: 0,
                    failing_since: None,
                    last_success_at: Some(before(2)),
                    succeeded_total: 9,
                    failed_total: 0,
                    not_before: None,
                }),
                problem: None,
            },
            divergence: Some(Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(0) }),
            pull_requests: PullRequestStatus {
                last_good: Some(PullRequestList { observed_at: before(5), open: Vec::new(), remote_url: None }),
                error: None,
            },
            system: SystemObservation {
                running: Reading::Present(RunningSystem {
                    store_path: system.clone(),
                    revision: Some(head.clone()),
                    nixos_version: Some("26.05.20260315.e2587ca".into()),
                    kernel_version: Some("6.12.19".into()),
                }),
                booted_store_path: Reading::Present(system.clone()),
                reboot_required: Some(false),
                generations: Reading::Present(vec![Generation {
                    number: 41,
                    store_path: system.clone(),
                    created_at: before(600),
                    revision: Some(head.clone()),
                    nixos_version: None,
                    kernel_version: None,
                    is_profile_default: true,
                }]),
            },
            operations: OperationHistory::default(),
            tests: TestsSetup::Found(2),
            last_test_run: None,
            tests_problem: None,
            state_directory_problem: None,
        });
        operations.switch.last = Some(host.finished(Operation::Switch, OperationResult::Success, 600));
        host.0.operations = operations;
        host.tests_end(OperationResult::Success);
        host
    }

    /// A fresh host: the module was just enabled, nothing ran yet.
    pub fn fresh() -> Self {
        let mut host = Self::base();
        let observation = &mut host.0;
        observation.agent.heartbeat = Reading::Absent;
        observation.repository = Reading::Absent;
        observation.local_lock = Reading::Absent;
        observation.remote.last_good = None;
        observation.remote.last_attempt = None;
        observation.divergence = None;
        observation.pull_requests = PullRequestStatus::default();
        observation.operations = OperationHistory::default();
        observation.tests = TestsSetup::NoneFound;
        observation.last_test_run = None;
        if let Reading::Present(system) = &mut observation.system.running {
            system.revision = None;
        }
        host
    }

    /// A host on its first start with the repository in place, before nixfleet deployed or tested anything.
    pub fn first_start(running_revision: Option<Revision>) -> Self {
        let mut host = Self::base();
        host.0.operations = OperationHistory::default();
        host.0.last_test_run = None;
        if let Reading::Present(system) = &mut host.0.system.running {
            system.revision = running_revision;
        }
        host
    }

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

    // The remote

    pub fn remote_gets(mut self, tip: char, lock_content: Option<&str>) -> Self {
        let head = self.head();
        let last_good = self.0.remote.last_good.as_mut().unwrap();
        last_good.earlier_tips = last_good.tips_up_to_here();
        last_good.revision = revision(tip);
        last_good.subject = "flake.lock: update".into();
        last_good.lock = lock_content.map(lock);
        last_good.first_seen_at = before(20);
        let behind = u32::from(head != Some(revision(tip)));
        self.0.divergence = Some(Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(behind) });
        self
    }

    pub fn remote_has_newer_commit(self) -> Self {
        self.remote_gets('b', Some("a"))
    }

    pub fn remote_without_lock(self) -> Self {
        self.remote_gets('b', None)
    }

    pub fn remote_fails(mut self, tries: u32, minutes: u64) -> Self {
        if let Some(last_good) = &mut self.0.remote.last_good {
            last_good.confirmed_at = before(minutes);
        }
        self.0.remote.last_attempt = Some(RemoteAttempt {
            at: before(0),
            error: Some("cannot connect to example.org: check the network".into()),
            failures_in_a_row: tries,
            failing_since: Some(before(minutes)),
            last_success_at: Some(before(minutes)),
            succeeded_total: 9,
            failed_total: u64::from(tries),
            not_before: None,
        });
        self
    }

    pub fn remote_unreadable_record(mut self) -> Self {
        self.0.remote.last_good = None;
        self.0.remote.problem = Some("remote.json is empty".into());
        self
    }

    pub fn divergence(mut self, ahead: BoundedCount, behind: BoundedCount) -> Self {
        self.0.divergence = Some(Divergence { ahead, behind });
        self
    }

    pub fn on_branch(mut self, branch: Option<&str>) -> Self {
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.branch = branch.map(str::to_owned);
        }
        self
    }

    pub fn uncommitted(mut self, changes: u64) -> Self {
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.uncommitted_changes = Some(changes);
        }
        self
    }

    pub fn local_lock_missing(mut self) -> Self {
        self.0.local_lock = Reading::Absent;
        self
    }

    pub fn local_lock_broken(mut self) -> Self {
        if let Reading::Present(lock) = &mut self.0.local_lock {
            lock.inputs.clear();
            lock.problem = Some("flake.lock is empty".into());
        }
        self
    }

    pub fn local_lock_edited(mut self) -> Self {
        self.0.local_lock = Reading::Present(lock("edited by hand"));
        self
    }

    pub fn local_commit(mut self) -> Self {
        self.0.divergence = Some(Divergence { ahead: BoundedCount::exactly(1), behind: BoundedCount::exactly(0) });
        self.move_head('c');
        self
    }

    fn move_head(&mut self, to: char) {
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.head = Some(revision(to));
        }
    }

    // Pull requests

    pub fn pull_request_opened(mut self) -> Self {
        self.0.pull_requests.last_good = Some(PullRequestList {
            observed_at: before(5),
            remote_url: None,
            open: vec![PullRequest {
                number: 7,
                url: "https://example.org/fleet/pull/7".into(),
                title: "flake.lock: update".into(),
                opened_at: before(90),
                head_revision: None,
                author: None,
            }],
        });
        self
    }

    pub fn pull_request_merged(mut self) -> Self {
        self.0.pull_requests.last_good =
            Some(PullRequestList { observed_at: before(5), open: Vec::new(), remote_url: None });
        self.remote_gets('b', Some("b"))
    }

    pub fn pull_request_reverted(self) -> Self {
        self.remote_gets('d', Some("a"))
    }

    pub fn pull_requests_unreadable(mut self) -> Self {
        self.0.pull_requests.error = Some("the forge answered 502".into());
        self
    }

    // Pull

    pub fn pull_running(self) -> Self {
        self.running(Operation::Pull, Some(Phase::Fetch))
    }

    pub fn pulled(mut self) -> Self {
        let tip = self.0.remote.last_good.clone().unwrap();
        if self.head().as_ref() != Some(&tip.revision) {
            self.0.operations.pulled =
                Some(Pulled { revision: tip.revision.clone(), from_revision: self.head(), at: before(4) });
        }
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.head = Some(tip.revision);
        }
        self.0.local_lock = tip.lock.map_or(Reading::Absent, Reading::Present);
        self.0.divergence = Some(Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(0) });
        self.ended(Operation::Pull, OperationResult::Success)
    }

    pub fn pull_failed(self) -> Self {
        self.ended(Operation::Pull, OperationResult::Failed)
    }

    // Switch and rollback

    pub fn switch_running(self) -> Self {
        self.running(Operation::Switch, Some(Phase::Build))
    }

    pub fn switched(mut self) -> Self {
        let head = self.head();
        let name = head.as_ref().unwrap().short().to_owned();
        self.run_system(&name, head.clone());
        self.0.operations.deployed =
            Some(Deployed { revision: head, store_path: store_path(&name), at: before(4), until_boot: None });
        self.0.operations.held = None;
        self.ended(Operation::Switch, OperationResult::Success)
    }

    /// With the action `boot`: the system of local HEAD starts at the next boot.
    pub fn switched_for_next_boot(mut self) -> Self {
        let head = self.head();
        let name = head.as_ref().unwrap().short().to_owned();
        let running = self.0.system.running.present().unwrap().clone();
        self.run_system(&name, head.clone());
        self = self.generation_made(4);
        let until_boot = Some(UntilBoot { store_path: running.store_path.clone(), revision: running.revision.clone() });
        self.0.system.running = Reading::Present(running);
        self.0.operations.deployed =
            Some(Deployed { revision: head, store_path: store_path(&name), at: before(4), until_boot });
        self.0.operations.held = None;
        self.ended(Operation::Switch, OperationResult::Success)
    }

    pub fn switch_ends(self, result: OperationResult) -> Self {
        self.ended(Operation::Switch, result)
    }

    pub fn switch_fails_but_new_system_runs(mut self) -> Self {
        let head = self.head();
        self.run_system("half", head);
        self.ended(Operation::Switch, OperationResult::Failed)
    }

    pub fn rollback_running(self) -> Self {
        self.running(Operation::Rollback, Some(Phase::Activation))
    }

    pub fn rolled_back(mut self) -> Self {
        let stepped_back_from = self.head().unwrap();
        self.run_system("9", Some(revision('9')));
        self.0.operations.deployed = Some(Deployed {
            revision: Some(revision('9')),
            store_path: store_path("9"),
            at: before(4),
            until_boot: None,
        });
        self.0.operations.held = Some(Held { revision: stepped_back_from, generation: Some(40), since: before(4) });
        self.ended(Operation::Rollback, OperationResult::Success)
    }

    pub fn rolled_back_without_revision(self) -> Self {
        let mut host = self.rolled_back();
        host.run_system("9", None);
        host.0.operations.deployed.as_mut().unwrap().revision = None;
        host
    }

    pub fn held_by_a_person(mut self) -> Self {
        self.0.operations.held = self.head().map(|revision| Held { revision, generation: None, since: before(8) });
        self
    }

    pub fn rollback_ends(self, result: OperationResult) -> Self {
        self.ended(Operation::Rollback, result)
    }

    /// The profile's newest generation is of the system that runs.
    pub fn generation_made(mut self, minutes_ago: u64) -> Self {
        let running = self.0.system.running.present().unwrap().clone();
        if let Reading::Present(generations) = &mut self.0.system.generations {
            for former in generations.iter_mut() {
                former.is_profile_default = false;
            }
            generations.push(Generation {
                number: 42,
                store_path: running.store_path,
                created_at: before(minutes_ago),
                revision: running.revision,
                nixos_version: None,
                kernel_version: None,
                is_profile_default: true,
            });
        }
        self
    }

    /// By hand, to the very system that nixfleet deployed last.
    pub fn switched_back_by_hand(mut self) -> Self {
        let deployed = self.0.operations.deployed.clone().unwrap();
        if let Reading::Present(system) = &mut self.0.system.running {
            system.store_path = deployed.store_path;
            system.revision = deployed.revision;
        }
        self
    }

    pub fn journal_unreadable(mut self) -> Self {
        self.0.operations =
            OperationHistory { problem: Some("cannot read the journal".into()), ..OperationHistory::default() };
        self
    }

    pub fn rollback_failed(self) -> Self {
        self.ended(Operation::Rollback, OperationResult::Failed)
    }

    pub fn switched_by_hand(mut self, to: char) -> Self {
        self.run_system("by-hand", Some(revision(to)));
        self
    }

    // Tests

    pub fn tests_running(self) -> Self {
        self.running(Operation::Test, Some(Phase::Tests))
    }

    pub fn tests_passed(mut self) -> Self {
        self.tests_end(OperationResult::Success);
        self.ended(Operation::Test, OperationResult::Success)
    }

    pub fn tests_failed(mut self) -> Self {
        self.tests_end(OperationResult::Failed);
        self.ended(Operation::Test, OperationResult::Failed)
    }

    pub fn tests_stopped(mut self) -> Self {
        self.tests_end(OperationResult::Stopped);
        self.ended(Operation::Test, OperationResult::Stopped)
    }

    /// Each of the tests ended like this.
    pub fn each_test(mut self, results: &[IndividualTestResult]) -> Self {
        let run = self.0.last_test_run.as_mut().unwrap();
        run.tests = results
            .iter()
            .enumerate()
            .map(|(index, result)| IndividualTest {
                name: format!("test-{index}"),
                result: *result,
                duration_seconds: 1,
                exit_code: None,
            })
            .collect();
        self
    }

    pub fn tests_are(mut self, setup: TestsSetup) -> Self {
        self.0.tests = setup;
        self
    }

    // Agent

    pub fn agent_version_differs(mut self) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.version = "0.0.9".into();
        }
        self
    }

    pub fn heartbeat_at(mut self, at: Timestamp) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.heartbeat_at = at;
        }
        self
    }

    /// The agent was built from one commit, the tracked `flake.lock` pins another.
    pub fn agent_revisions(mut self, running: char, pinned: char) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.revision = Some(revision(running));
        }
        self.0.agent.pinned_revision = Some(revision(pinned));
        self
    }

    pub fn new_agent_up(mut self) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.version.clone_from(&self.0.agent.observer_version);
            heartbeat.started_at = before(2);
        }
        self
    }

    pub fn agent_silent(mut self) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.heartbeat_at = before(30);
        }
        self
    }
}

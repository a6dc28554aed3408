//! Hosts to begin with.

use nixfleet_core::Revision;
use nixfleet_core::observation::{
    AgentHeartbeat, AgentObservation, BoundedCount, Deployed, Divergence, Generation, InferenceSettings,
    LocalRepository, Observation, Operation, OperationHistory, OperationResult, PullRequestList, PullRequestStatus,
    Reading, RemoteAttempt, RemoteCommit, RemoteStatus, RunningSystem, SystemObservation, TestsSetup,
};

use super::{Host, before, lock, revision, store_path};

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
                    succeeded_in_pulls_total: 0,
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
}

//! Any host whatever: evidence of every kind, in every combination, likely or not.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::observation::{
    AgentHeartbeat, AgentObservation, BoundedCount, Deployed, Divergence, FinishedOperation, Generation, Held,
    IndividualTest, IndividualTestResult, InferenceSettings, LocalRepository, LockFile, Observation, Operation,
    OperationHistory, OperationRecord, OperationResult, Phase, PullRequest, PullRequestList, PullRequestStatus, Pulled,
    Reading, RemoteAttempt, RemoteCommit, RemoteStatus, RunningOperation, RunningSystem, SeenTip, SystemObservation,
    TestRun, TestsSetup, UntilBoot,
};
use nixfleet_core::{Revision, Sha256};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// Few values, so that equal ones are met often.
pub fn revision() -> impl Strategy<Value = Revision> {
    select(vec!['a', 'b', 'c']).prop_map(|digit| String::from(digit).repeat(40).parse().unwrap())
}

fn store_path() -> impl Strategy<Value = PathBuf> {
    select(vec!["/nix/store/a", "/nix/store/b", "/nix/store/c"]).prop_map(PathBuf::from)
}

/// Times around 2026, some far off.
pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        9 => (1_773_000_000_i64..1_773_010_000).prop_map(|seconds| Timestamp::from_second(seconds).unwrap()),
        1 => select(vec![Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX]),
    ]
}

fn reading<T: std::fmt::Debug + Clone + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Reading<T>> {
    prop_oneof![
        6 => value.prop_map(Reading::Present),
        1 => Just(Reading::NotObserved),
        1 => Just(Reading::Absent),
        1 => ".{0,20}".prop_map(Reading::Unreadable),
    ]
}

fn lock() -> impl Strategy<Value = LockFile> {
    (select(vec!["a", "b"]), of(".{0,10}")).prop_map(|(content, problem)| LockFile {
        sha256: Sha256::of(content.as_bytes()),
        inputs: Vec::new(),
        problem,
    })
}

pub fn agent() -> impl Strategy<Value = AgentObservation> {
    let version = || select(vec!["0.1.0", "0.2.0"]).prop_map(str::to_owned);
    let heartbeat = (version(), of(revision()), timestamp(), timestamp(), of(timestamp())).prop_map(
        |(version, revision, started_at, heartbeat_at, next_check_at)| AgentHeartbeat {
            version,
            revision,
            started_at,
            heartbeat_at,
            next_check_at,
        },
    );
    (reading(heartbeat), of(revision()), version()).prop_map(|(heartbeat, pinned_revision, observer_version)| {
        AgentObservation { heartbeat, pinned_revision, observer_version }
    })
}

fn repository() -> impl Strategy<Value = LocalRepository> {
    (of(revision()), of(select(vec!["main", "work"])), of(0_u64..3), any::<bool>()).prop_map(
        |(head, branch, uncommitted_changes, shallow)| LocalRepository {
            path: "/repo".into(),
            head,
            branch: branch.map(str::to_owned),
            uncommitted_changes,
            shallow,
        },
    )
}

fn remote_commit() -> impl Strategy<Value = RemoteCommit> {
    let tip = (revision(), of(select(vec!["a", "b"])), timestamp()).prop_map(|(revision, content, first_seen_at)| {
        SeenTip { revision, lock_sha256: content.map(|content| Sha256::of(content.as_bytes())), first_seen_at }
    });
    (revision(), ".{0,30}", of(lock()), timestamp(), timestamp(), prop::collection::vec(tip, 0..4)).prop_map(
        |(revision, subject, lock, first_seen_at, confirmed_at, earlier_tips)| RemoteCommit {
            url: "https://example.org/fleet.git".into(),
            branch: "main".into(),
            revision,
            subject,
            committed_at: first_seen_at,
            lock,
            first_seen_at,
            confirmed_at,
            earlier_tips,
            distance: None,
        },
    )
}

fn remote_attempt() -> impl Strategy<Value = RemoteAttempt> {
    (timestamp(), of(".{0,20}"), 0_u32..6, of(timestamp())).prop_map(|(at, error, failures_in_a_row, failing_since)| {
        RemoteAttempt {
            at,
            error,
            failures_in_a_row,
            failing_since,
            last_success_at: None,
            succeeded_total: 1,
            succeeded_in_pulls_total: 0,
            failed_total: 1,
            not_before: None,
        }
    })
}

pub fn remote() -> impl Strategy<Value = RemoteStatus> {
    (any::<bool>(), of(remote_commit()), of(remote_attempt()), of(".{0,10}")).prop_map(
        |(configured, last_good, last_attempt, problem)| RemoteStatus {
            url: configured.then(|| "https://example.org/fleet.git".to_owned()),
            branch: configured.then(|| "main".to_owned()),
            last_good,
            last_attempt,
            problem,
        },
    )
}

pub fn divergence() -> impl Strategy<Value = Option<Divergence>> {
    let count = || (0_u32..3, any::<bool>()).prop_map(|(count, at_least)| BoundedCount { count, at_least });
    of((count(), count()).prop_map(|(ahead, behind)| Divergence { ahead, behind }))
}

pub fn pull_requests() -> impl Strategy<Value = PullRequestStatus> {
    let one = (any::<u64>(), timestamp()).prop_map(|(number, opened_at)| PullRequest {
        number,
        url: format!("https://example.org/pull/{number}"),
        title: "flake.lock: update".into(),
        opened_at,
        head_revision: None,
        author: None,
    });
    let list = (timestamp(), prop::collection::vec(one, 0..3)).prop_map(|(observed_at, open)| PullRequestList {
        observed_at,
        open,
        remote_url: None,
    });
    (of(list), of(".{0,10}")).prop_map(|(last_good, error)| PullRequestStatus { last_good, error })
}

pub fn system() -> impl Strategy<Value = SystemObservation> {
    let running = (store_path(), of(revision())).prop_map(|(store_path, revision)| RunningSystem {
        store_path,
        revision,
        nixos_version: None,
        kernel_version: None,
    });
    let generation = (1_u64..9, store_path(), timestamp()).prop_map(|(number, store_path, created_at)| Generation {
        number,
        store_path,
        created_at,
        revision: None,
        nixos_version: None,
        kernel_version: None,
        is_profile_default: false,
    });
    let generations = prop::collection::vec(generation, 0..3);
    (reading(running), reading(store_path()), of(any::<bool>()), reading(generations)).prop_map(
        |(running, booted_store_path, reboot_required, generations)| SystemObservation {
            running,
            booted_store_path,
            reboot_required,
            generations,
        },
    )
}

fn result() -> impl Strategy<Value = OperationResult> {
    select(OperationResult::ALL.to_vec())
}

fn phase() -> impl Strategy<Value = Option<Phase>> {
    of(select(vec![Phase::Fetch, Phase::Evaluation, Phase::Build, Phase::Activation]))
}

pub fn record(operation: Operation) -> impl Strategy<Value = OperationRecord> {
    let running = (timestamp(), phase(), of(revision())).prop_map(|(started_at, phase, revision)| RunningOperation {
        invocation_id: "running".into(),
        started_at,
        phase,
        revision,
    });
    let last = (
        (timestamp(), of(timestamp()), result(), of(any::<i32>()), phase()),
        (of(revision()), of(store_path()), of(any::<u64>()), of(".{0,20}")),
    )
        .prop_map(
            move |((started_at, ended_at, result, exit_code, phase), (revision, store_path, generation, detail))| {
                FinishedOperation {
                    operation,
                    invocation_id: "last".into(),
                    started_at,
                    ended_at,
                    result,
                    exit_code,
                    phase,
                    revision,
                    store_path,
                    generation,
                    detail,
                }
            },
        );
    (prop::option::weighted(0.2, running), of(last), of(timestamp())).prop_map(|(running, last, last_success_at)| {
        OperationRecord { running, last, last_success_at, totals: BTreeMap::new() }
    })
}

pub fn operations() -> impl Strategy<Value = OperationHistory> {
    let until_boot =
        (of(revision()), store_path()).prop_map(|(revision, store_path)| UntilBoot { store_path, revision });
    let deployed = (of(revision()), store_path(), timestamp(), of(until_boot))
        .prop_map(|(revision, store_path, at, until_boot)| Deployed { revision, store_path, at, until_boot });
    let pulled = (revision(), of(revision()), timestamp()).prop_map(|(revision, from_revision, at)| Pulled {
        revision,
        from_revision,
        at,
    });
    let held = (revision(), of(any::<u64>()), timestamp()).prop_map(|(revision, generation, since)| Held {
        revision,
        generation,
        since,
    });
    (
        (
            record(Operation::Pull).boxed(),
            record(Operation::Switch).boxed(),
            record(Operation::Test).boxed(),
            record(Operation::Rollback).boxed(),
        ),
        (of(select(vec![Operation::Switch, Operation::Rollback])), of(deployed), of(pulled), of(held)),
    )
        .prop_map(|((pull, switch, test, rollback), (last_deployment, deployed, pulled, held))| OperationHistory {
            pull,
            switch,
            test,
            rollback,
            last_deployment,
            deployed,
            pulled,
            held,
            problem: None,
        })
}

pub fn test_run() -> impl Strategy<Value = Option<TestRun>> {
    let outcome = select(vec![
        IndividualTestResult::Passed,
        IndividualTestResult::Failed,
        IndividualTestResult::Skipped,
        IndividualTestResult::TimedOut,
    ]);
    let test = (".{0,10}", outcome).prop_map(|(name, result)| IndividualTest {
        name,
        result,
        duration_seconds: 1,
        exit_code: None,
    });
    of((of(store_path()), timestamp(), of(timestamp()), result(), prop::collection::vec(test, 0..6)).prop_map(
        |(store_path, started_at, ended_at, result, tests)| TestRun {
            store_path,
            revision: None,
            started_at,
            ended_at,
            result,
            tests,
        },
    ))
}

pub fn tests_setup() -> impl Strategy<Value = TestsSetup> {
    prop_oneof![
        Just(TestsSetup::NotObserved),
        Just(TestsSetup::Disabled),
        Just(TestsSetup::NoneFound),
        (1_u32..9).prop_map(TestsSetup::Found),
    ]
}

fn settings() -> impl Strategy<Value = InferenceSettings> {
    (0_u64..10_000, 0_u32..5, 0_u64..10_000).prop_map(|(deadline, remote_grace_tries, grace)| InferenceSettings {
        heartbeat_deadline: Duration::from_secs(deadline),
        remote_grace_tries,
        remote_grace: Duration::from_secs(grace),
    })
}

/// Boxed part by part: a strategy of strategies would not fit on a test thread's stack.
pub fn observation() -> impl Strategy<Value = Observation> {
    (
        (
            settings(),
            agent().boxed(),
            reading(repository()).boxed(),
            reading(lock()).boxed(),
            remote().boxed(),
            divergence(),
        ),
        (pull_requests().boxed(), system().boxed(), operations().boxed(), tests_setup(), test_run().boxed()),
    )
        .prop_map(
            |(
                (settings, agent, repository, local_lock, remote, divergence),
                (pull_requests, system, operations, tests, last_test_run),
            )| Observation {
                tests_problem: None,
                state_directory_problem: None,
                host: "web1".into(),
                settings,
                agent,
                repository,
                local_lock,
                remote,
                divergence,
                pull_requests,
                system,
                operations,
                tests,
                last_test_run,
            },
        )
}

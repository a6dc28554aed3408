//! The state directory on a real file system.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use nixfleet_core::observation::{
    AgentHeartbeat, FlakeInput, IndividualTest, IndividualTestResult, LockFile, OperationResult, PullRequest,
    PullRequestAttempt, PullRequestList, PullRequestStatus, RemoteAttempt, RemoteCommit,
};
use nixfleet_core::state_directory::{AuditEntry, RuntimeDirectory, StateDirectory, StateError, TestRunRecord};
use nixfleet_core::{Revision, Sha256};
use world::skipped::skipped;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn revision(letter: char) -> Revision {
    letter.to_string().repeat(40).parse().unwrap()
}

fn remote_commit(subject: &str) -> RemoteCommit {
    let input = FlakeInput {
        name: "nixpkgs".to_owned(),
        kind: "github".to_owned(),
        reference: "github:NixOS/nixpkgs/nixos-unstable".to_owned(),
        revision: Some("b".repeat(40)),
        last_modified_at: Some(at(7)),
        locked_sha256: Sha256::of(b"nixpkgs"),
    };
    RemoteCommit {
        url: "https://example.org/fleet.git".to_owned(),
        branch: "main".to_owned(),
        revision: revision('a'),
        subject: subject.to_owned(),
        committed_at: at(1),
        lock: Some(LockFile { sha256: Sha256::of(b"lock"), inputs: vec![input], problem: None }),
        first_seen_at: at(2),
        confirmed_at: at(3),
        earlier_tips: Vec::new(),
        distance: None,
    }
}

fn test_run() -> TestRunRecord {
    let single = IndividualTest {
        name: "10-disk".to_owned(),
        result: IndividualTestResult::TimedOut,
        duration_seconds: 60,
        exit_code: None,
    };
    TestRunRecord {
        invocation_id: "4a".repeat(16),
        store_path: Some("/nix/store/x-nixos-system-web".into()),
        revision: Some(revision('a')),
        started_at: at(1),
        ended_at: Some(at(61)),
        result: OperationResult::Failed,
        tests: vec![single],
    }
}

fn audit_entry(detail: &str) -> AuditEntry {
    AuditEntry {
        at: at(1),
        who: "alice".to_owned(),
        action: "pr merge".to_owned(),
        on: Some("#7".to_owned()),
        outcome: "success".to_owned(),
        detail: Some(detail.to_owned()),
    }
}

#[test]
fn what_is_written_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (state, runtime) = (StateDirectory::new(directory.path()), RuntimeDirectory::new(directory.path()));
    assert_eq!(state.read_remote().unwrap(), None);
    assert_eq!(state.read_pull_requests().unwrap(), None);
    assert_eq!(state.read_tests().unwrap(), None);
    assert_eq!(runtime.read_agent().unwrap(), None);
    assert_eq!(runtime.read_remote_attempt().unwrap(), None);
    assert_eq!(state.journal().read().unwrap().entries, []);
    assert_eq!(state.audit().read().unwrap().entries, []);

    let commit = remote_commit("flake.lock: update");
    state.write_remote(&commit).unwrap();
    assert_eq!(state.read_remote().unwrap(), Some(commit));

    let request = PullRequest {
        number: 7,
        url: "https://example.org/pull/7".to_owned(),
        title: "flake.lock: update".to_owned(),
        opened_at: at(4),
        head_revision: Some(revision('c')),
        author: Some("alice".into()),
    };
    let list = PullRequestList {
        observed_at: at(5),
        open: vec![request],
        remote_url: Some("https://example.org/fleet.git".into()),
    };
    for (last_good, error) in [(None, Some("no token")), (Some(list.clone()), None), (Some(list), Some("rate limit"))] {
        let status = PullRequestStatus { last_good, error: error.map(str::to_owned) };
        state.write_pull_requests(&status).unwrap();
        assert_eq!(state.read_pull_requests().unwrap(), Some(status));
    }

    state.write_tests(&test_run()).unwrap();
    assert_eq!(state.read_tests().unwrap(), Some(test_run()));

    let heartbeat = AgentHeartbeat {
        version: "0.1.0".to_owned(),
        revision: Some(revision('d')),
        started_at: at(1),
        heartbeat_at: at(2),
        next_check_at: Some(at(3)),
    };
    runtime.write_agent(&heartbeat).unwrap();
    assert_eq!(runtime.read_agent().unwrap(), Some(heartbeat));

    let attempt = RemoteAttempt::failed(None, at(9), "no route to host");
    runtime.write_remote_attempt(&attempt).unwrap();
    assert_eq!(runtime.read_remote_attempt().unwrap(), Some(attempt));

    let attempt = PullRequestAttempt {
        attempt: RemoteAttempt::failed(None, at(9), "no route to host").not_before(Some(at(99))),
        remote_url: "https://github.com/example/fleet.git".to_owned(),
    };
    runtime.write_pull_request_attempt(&attempt).unwrap();
    assert_eq!(runtime.read_pull_request_attempt().unwrap(), Some(attempt));

    for name in [
        "remote.json",
        "pull-request.json",
        "tests.json",
        "agent.json",
        "remote-attempt.json",
        "pull-request-attempt.json",
    ] {
        let path = directory.path().join(name);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o644, "{name}");
        let value: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(value["version"], 1, "{name}");
    }
}

/// The samples of the documentation, as administrators see them.
#[test]
fn files_of_this_version_stay_readable() {
    let directory = tempfile::tempdir().unwrap();
    let (state, runtime) = (StateDirectory::new(directory.path()), RuntimeDirectory::new(directory.path()));
    let documentation =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/state-directory.md"));
    let documentation = documentation.unwrap();
    for (name, sample) in samples(&documentation) {
        std::fs::write(directory.path().join(name), sample).unwrap();
    }
    assert_eq!(state.read_remote().unwrap().unwrap().branch, "main");
    assert_eq!(state.read_pull_requests().unwrap().unwrap().last_good.unwrap().open[0].number, 7);
    assert_eq!(state.read_tests().unwrap().unwrap().tests.len(), 2);
    let attempt = runtime.read_pull_request_attempt().unwrap().unwrap();
    assert_eq!((attempt.attempt.failed_total, attempt.attempt.not_before.is_some()), (1, true));
    assert_eq!(runtime.read_agent().unwrap().unwrap().version, "0.1.0");
    assert_eq!(runtime.read_remote_attempt().unwrap().unwrap().failures_in_a_row, 2);
    let journal = state.journal().read().unwrap();
    assert_eq!((journal.entries.len(), journal.warnings.count), (7, 0), "{:?}", journal.warnings);
    let audit = state.audit().read().unwrap();
    assert_eq!((audit.entries.len(), audit.warnings.count), (1, 0), "{:?}", audit.warnings);
}

/// The code blocks below headings that name a file.
fn samples(documentation: &str) -> Vec<(&str, &str)> {
    let sections = documentation.split("\n## `").skip(1);
    sections
        .filter_map(|section| {
            let (name, text) = section.split_once('`')?;
            let (_, block) = text.split_once("\n```json\n")?;
            Some((name, block.split_once("```")?.0))
        })
        .collect()
}

#[test]
fn readers_never_see_a_part_while_others_write() {
    let directory = tempfile::tempdir().unwrap();
    let (state, runtime) = (StateDirectory::new(directory.path()), RuntimeDirectory::new(directory.path()));
    state.write_remote(&remote_commit("first")).unwrap();
    runtime.write_remote_attempt(&RemoteAttempt::succeeded(None, at(1))).unwrap();
    let done = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let reader = || {
            let mut reads = 0_u64;
            while !done.load(Ordering::Relaxed) {
                state.read_remote().unwrap().unwrap();
                runtime.read_remote_attempt().unwrap().unwrap();
                reads += 1;
            }
            reads
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        let writers: Vec<_> = (0..4_usize)
            .map(|writer| {
                let (state, runtime) = (&state, &runtime);
                scope.spawn(move || {
                    for round in 0..100 {
                        state.write_remote(&remote_commit(&"x".repeat(writer * 5_000 + round))).unwrap();
                        let attempt = RemoteAttempt::failed(None, at(1), "x".repeat(writer * 5_000 + round));
                        runtime.write_remote_attempt(&attempt).unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        readers.map(|reader| reader.join().unwrap())
    });
    assert!(reads.iter().all(|reads| *reads > 0), "{reads:?}");
    assert_eq!(directory.path().read_dir().unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_directory_that_cannot_be_written_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let gone = StateDirectory::new(directory.path().join("gone"));
    let error = gone.write_remote(&remote_commit("x")).unwrap_err();
    assert!(matches!(error, StateError::NoDirectory { .. }), "{error}");
    assert!(gone.audit().append(&audit_entry("x")).unwrap_err().to_string().contains("does not exist"));
    // No file can be made there, not even by root.
    let error = StateDirectory::new("/sys/kernel").write_remote(&remote_commit("x")).unwrap_err();
    assert!(matches!(error, StateError::Write { .. }), "{error}");
}

#[test]
fn the_audit_log_is_bounded_and_keeps_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let audit = StateDirectory::new(directory.path()).audit();
    let line = format!("{{\"version\":1,{}\n", &serde_json::to_string(&audit_entry("old")).unwrap()[1..]);
    let path = directory.path().join("audit.jsonl");
    std::fs::write(&path, line.repeat(4 * 1024 * 1024 / line.len())).unwrap();
    for _ in 0..3 {
        audit.append(&audit_entry("new")).unwrap();
    }
    assert!(path.metadata().unwrap().len() < 2 * 1024 * 1024 + 1024);
    let contents = audit.read().unwrap();
    let details: Vec<_> = contents.entries.iter().rev().take(4).filter_map(|entry| entry.detail.as_deref()).collect();
    assert_eq!(details, ["new", "new", "new", "old"]);
    assert_eq!(contents.warnings.count, 0);
}

const OWNER: u32 = 54_321;

#[test]
fn what_root_writes_belongs_to_the_owner_of_the_directory() {
    if !rustix::process::geteuid().is_root() {
        skipped("only root can give a file to another user");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(directory.path(), Some(OWNER), Some(OWNER)).unwrap();
    let state = StateDirectory::new(directory.path());
    state.write_remote(&remote_commit("x")).unwrap();
    state.audit().append(&audit_entry("x")).unwrap();
    let mut modes: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| {
            let (name, metadata) = entry.map(|entry| (entry.file_name(), entry.metadata().unwrap())).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (OWNER, OWNER), "{}", name.display());
            (name.into_string().unwrap(), metadata.permissions().mode() & 0o7777)
        })
        .collect();
    modes.sort();
    let expected = [("audit.jsonl", 0o644), ("audit.lock", 0o600), ("remote.json", 0o644)];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[test]
fn no_attempt_at_the_remote_is_lost_where_several_are_recorded_at_once() {
    const EACH: u64 = 50;
    let directory = tempfile::tempdir().unwrap();
    let runtime = RuntimeDirectory::new(directory.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    runtime.add_remote_attempt(|before| RemoteAttempt::succeeded(before, Timestamp::now())).unwrap();
                }
            });
        }
    });
    assert_eq!(runtime.read_remote_attempt().unwrap().unwrap().succeeded_total, 4 * EACH);
    std::fs::write(directory.path().join("remote-attempt.json"), "{").unwrap();
    let attempt = runtime.add_remote_attempt(|before| RemoteAttempt::succeeded(before, Timestamp::now())).unwrap();
    assert_eq!(attempt.succeeded_total, 1, "written anew");
}

//! The state directory on a disk that is full, and on one that cannot be written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]

use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use nixfleet_core::observation::RemoteCommit;
use nixfleet_core::state_directory::{CommitHeld, JournalEntry, StateDirectory, StateError};
use world::skipped::skipped;

const SMALL_DISK: &str = "NIXFLEET_TEST_SMALL_DISK";

fn remote_commit(subject: &str) -> RemoteCommit {
    RemoteCommit {
        url: "https://example.org/fleet.git".to_owned(),
        branch: "main".to_owned(),
        revision: "a".repeat(40).parse().unwrap(),
        subject: subject.to_owned(),
        committed_at: Timestamp::UNIX_EPOCH,
        lock: None,
        first_seen_at: Timestamp::UNIX_EPOCH,
        confirmed_at: Timestamp::UNIX_EPOCH,
        earlier_tips: Vec::new(),
        distance: None,
    }
}

/// The test runs itself again in a mount namespace of its own, where this directory is a file system of 64 KiB in memory.
#[test]
fn a_full_disk_costs_nothing_that_was_there() {
    if let Some(directory) = std::env::var_os(SMALL_DISK) {
        on_the_small_disk(Path::new(&directory));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let namespace = ["--user", "--map-root-user", "--mount"];
    let mount = "mount -t tmpfs -o size=64k tmpfs \"$1\"";
    let can_mount = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", mount, "sh"])
        .arg(directory.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !can_mount {
        skipped("no file system can be mounted here (unshare --user --mount)");
        return;
    }
    let output = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", &format!("{mount} && shift && exec \"$@\""), "sh"])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_full_disk_costs_nothing_that_was_there", "--nocapture"])
        .env(SMALL_DISK, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("all of it was tested"), "{text}");
}

fn on_the_small_disk(directory: &Path) {
    let state = StateDirectory::new(directory);
    let held = JournalEntry::Held(CommitHeld { at: Timestamp::UNIX_EPOCH, revision: "a".repeat(40).parse().unwrap() });
    state.write_remote(&remote_commit("the former content")).unwrap();
    state.journal().append(&held).unwrap();
    let names = || {
        let mut names: Vec<_> = directory.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let names_before = names();

    let error = state.write_remote(&remote_commit(&"x".repeat(100_000))).unwrap_err();
    assert!(matches!(error, StateError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(state.read_remote().unwrap().unwrap().subject, "the former content");
    assert_eq!(names(), names_before, "no temporary file is left");

    let mut appended = 1;
    let error = loop {
        match state.journal().append(&held) {
            Ok(()) => appended += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StateError::DiskFull { .. }), "{error}");
    let contents = state.journal().read().unwrap();
    assert_eq!((contents.entries.len(), contents.warnings.count), (appended, 0), "nothing of the last line stays");
    assert!(std::fs::read(directory.join("journal.jsonl")).unwrap().ends_with(b"}\n"));

    let remount = Command::new("mount").args(["-o", "remount,ro"]).arg(directory).status().unwrap();
    assert!(remount.success());
    let errors = [state.write_remote(&remote_commit("x")), state.journal().append(&held)].map(Result::unwrap_err);
    for error in errors {
        assert!(matches!(error, StateError::Write { .. }), "{error}");
        assert!(error.to_string().contains("Read-only file system"), "{error}");
    }
    assert_eq!(state.read_remote().unwrap().unwrap().subject, "the former content");
    println!("all of it was tested");
}

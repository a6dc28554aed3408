//! Which run a started unit is, on a bus of its own with a stand-in for systemd.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stand_in;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stand_in::{BusDaemon, Record, UnitBody, serve};

const NIXFLEET: &str = env!("CARGO_BIN_EXE_nixfleet");

fn entry(event: &str, run: u8, more: &str) -> String {
    format!(
        r#"{{"version":1,"event":"{event}","operation":"test","invocation_id":"{run:032x}","at":"2026-01-01T00:00:00Z"{more}}}"#
    )
}

/// A whole run.
fn write_run(journal: &Path, run: u8) {
    let mut file = std::fs::File::options().create(true).append(true).open(journal).unwrap();
    let started = entry("started", run, r#","unit":"nixfleet-test.service""#);
    writeln!(file, "{started}\n{}", entry("ended", run, r#","result":"success""#)).unwrap();
}

/// What `nixfleet test` tells, started against this stand-in.
async fn started(bus: &BusDaemon, state: &Path) -> serde_json::Value {
    let mut command = Command::new(NIXFLEET);
    command.args(["test", "--no-wait", "--json", "--config", "/nonexistent", "--state-directory"]).arg(state);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The agent begins a run right after systemd said that there is none: the start joins it, and it is over before anybody asks
/// again. systemd knows nothing of it then.
#[tokio::test]
async fn a_run_that_somebody_else_began_in_between_is_the_one() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let journal = state.join("journal.jsonl");
    let began = move || write_run(&journal, 7);
    let record = Arc::new(Mutex::new(Record { meanwhile: Some(Box::new(began)), ..Record::default() }));
    let body: Arc<Mutex<UnitBody>> = Arc::new(Mutex::new(Box::new(|_: &str| {})));
    let bus = BusDaemon::start(root.path());
    let _systemd = serve(&bus.address(), &record, &body).await;

    let told = started(&bus, &state).await;
    assert_eq!(told["invocation_id"], format!("{:032x}", 7), "{told}");
    assert_eq!(record.lock().unwrap().starts(), ["StartUnit nixfleet-test.service fail"]);
}

/// A run has written its end and is not gone yet. systemd holds its job until then, and takes a start for the same one.
#[tokio::test]
async fn a_run_that_is_about_to_end_is_not_joined() {
    const UNIT: &str = "nixfleet-test.service";
    let root = tempfile::tempdir().unwrap();
    let journal = root.path().join("journal.jsonl");
    write_run(&journal, 7);
    let record = Arc::new(Mutex::new(Record { busy: Some(UNIT.to_owned()), ..Record::default() }));
    let now = Arc::clone(&record);
    let run = move |_: &str| {
        if now.lock().unwrap().busy.is_none() {
            write_run(&journal, 8);
        }
    };
    let body: Arc<Mutex<UnitBody>> = Arc::new(Mutex::new(Box::new(run)));
    let bus = BusDaemon::start(root.path());
    let _systemd = serve(&bus.address(), &record, &body).await;
    let ends = Arc::clone(&record);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        ends.lock().unwrap().busy = None;
    });
    let told = started(&bus, root.path()).await;
    assert_eq!(told["invocation_id"], format!("{:032x}", 8), "{told}");
}

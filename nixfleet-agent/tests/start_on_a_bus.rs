//! Which run a started unit is, on a bus of its own with a stand-in for systemd.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stand_in;

use std::io::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use stand_in::{BusDaemon, Record, UnitBody, serve};

const NIXFLEET: &str = env!("CARGO_BIN_EXE_nixfleet");

fn entry(event: &str, more: &str) -> String {
    format!(
        r#"{{"version":1,"event":"{event}","operation":"test","invocation_id":"{:032x}","at":"2026-01-01T00:00:00Z"{more}}}"#,
        7
    )
}

/// The agent begins a run right after systemd said that there is none: the start joins it, and it is over before anybody asks
/// again. systemd knows nothing of it then.
#[tokio::test]
async fn a_run_that_somebody_else_began_in_between_is_the_one() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let journal = state.join("journal.jsonl");
    let began = move || {
        let mut file = std::fs::File::options().create(true).append(true).open(&journal).unwrap();
        let started = entry("started", r#","unit":"nixfleet-test.service""#);
        writeln!(file, "{started}\n{}", entry("ended", r#","result":"success""#)).unwrap();
    };
    let record = Arc::new(Mutex::new(Record { meanwhile: Some(Box::new(began)), ..Record::default() }));
    let body: Arc<Mutex<UnitBody>> = Arc::new(Mutex::new(Box::new(|_: &str| {})));
    let bus = BusDaemon::start(root.path());
    let _systemd = serve(&bus.address(), &record, &body).await;

    let mut command = Command::new(NIXFLEET);
    command.args(["test", "--no-wait", "--json", "--config", "/nonexistent", "--state-directory"]).arg(&state);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", bus.address());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["invocation_id"], format!("{:032x}", 7), "{told} {stderr}");
    assert_eq!(record.lock().unwrap().starts(), ["StartUnit nixfleet-test.service fail"]);
}

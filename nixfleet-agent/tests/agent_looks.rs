//! The looks of the agent are processes of their own: what becomes of one does not become of the agent.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nixfleet_core::state_directory::RuntimeDirectory;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// An agent without a bus, whose remote takes connections and never answers.
struct Host {
    root: tempfile::TempDir,
    _silent: TcpListener,
    agent: Child,
}

impl Host {
    fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["state", "run"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/fleet.git", silent.local_addr().unwrap());
        let config = serde_json::json!({
            "host": "web1",
            "repository": { "url": url, "branch": "main" },
            "remote": { "idle_timeout_seconds": 500, "total_timeout_seconds": 600 }
        });
        std::fs::write(root.path().join("config.json"), config.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_nixfleet-agent"));
        for (option, name) in
            [("--config", "config.json"), ("--state-directory", "state"), ("--runtime-directory", "run")]
        {
            command.arg(option).arg(root.path().join(name));
        }
        command.arg("run").env("NIXFLEET_BUS_ADDRESS", format!("unix:path={}/bus", root.path().display()));
        let agent = command.stderr(Stdio::inherit()).spawn().unwrap();
        Self { root, _silent: silent, agent }
    }

    fn runtime(&self) -> RuntimeDirectory {
        RuntimeDirectory::new(self.root.path().join("run"))
    }

    /// The process that looks at the remote.
    fn look(&self) -> Pid {
        let mut found = None;
        until("a look at the remote", || {
            found = children(&self.agent).into_iter().find(|child| {
                let line = std::fs::read(Path::new("/proc").join(child.to_string()).join("cmdline"));
                line.is_ok_and(|line| line.ends_with(b"\0look\0remote\0"))
            });
            found.is_some()
        });
        Pid::from_raw(found.unwrap()).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

fn children(process: &Child) -> Vec<i32> {
    let path = PathBuf::from(format!("/proc/{id}/task/{id}/children", id = process.id()));
    std::fs::read_to_string(path).unwrap().split_whitespace().map(|child| child.parse().unwrap()).collect()
}

fn until(what: &str, condition: impl FnMut() -> bool) {
    let mut condition = condition;
    let deadline = Instant::now() + Duration::from_mins(2);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_look_that_crashes_is_an_attempt_that_failed() {
    let mut host = Host::start();
    for (signal, name) in [(Signal::ABORT, "SIGABRT"), (Signal::KILL, "SIGKILL")] {
        let look = host.look();
        kill_process(look, signal).unwrap();
        let failed = || host.runtime().read_remote_attempt().unwrap().and_then(|attempt| attempt.error);
        until(name, || {
            failed().is_some_and(|error| error.contains("the look at the remote broke off") && error.contains(name))
        });
        kill_process(Pid::from_child(&host.agent), Signal::HUP).unwrap();
        until("another one", || host.look() != look);
    }
    assert_eq!(host.runtime().read_remote_attempt().unwrap().unwrap().failed_total, 2);

    // systemd asks all processes of a service to end: that tells nothing of the remote.
    let look = host.look();
    kill_process(look, Signal::TERM).unwrap();
    until("it is gone", || test_kill_process(look).is_err());
    kill_process(Pid::from_child(&host.agent), Signal::HUP).unwrap();
    until("another one", || host.look() != look);
    assert_eq!(host.runtime().read_remote_attempt().unwrap().unwrap().failed_total, 2);
    assert!(host.agent.try_wait().unwrap().is_none(), "the agent lives");
}

#[test]
fn where_memory_runs_out_the_look_is_the_first_to_end() {
    let host = Host::start();
    let score = |process: u32| -> i32 {
        let text = std::fs::read_to_string(format!("/proc/{process}/oom_score_adj")).unwrap();
        text.trim().parse().unwrap()
    };
    let look = u32::try_from(host.look().as_raw_nonzero().get()).unwrap();
    until("the look gives way", || score(look) == 1000);
    assert!(score(host.agent.id()) < 1000);
}

#[test]
fn a_look_ends_with_its_agent() {
    for signal in [Signal::TERM, Signal::KILL] {
        let mut host = Host::start();
        let look = host.look();
        kill_process(Pid::from_child(&host.agent), signal).unwrap();
        let asked = Instant::now();
        assert_eq!(host.agent.wait().unwrap().success(), signal == Signal::TERM);
        // Whoever inherits it reaps it sooner or later.
        let state = PathBuf::from(format!("/proc/{}/stat", look.as_raw_nonzero()));
        until("it is gone", || std::fs::read_to_string(&state).is_ok_and(|it| it.contains(") Z ")) || !state.exists());
        assert!(asked.elapsed() < Duration::from_mins(2), "{:?}", asked.elapsed());
        assert!(host.runtime().read_remote_attempt().unwrap().is_none(), "it was not the remote's fault");
    }
}

#[test]
fn a_look_by_hand_says_what_to_use() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nixfleet-agent"));
    let output = command.args(["look", "host"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("use `nixfleet status`"), "{output:?}");
}

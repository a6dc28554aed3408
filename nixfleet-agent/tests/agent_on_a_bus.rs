//! The agent as a process, on a bus of its own with a stand-in for systemd, with a real repository and its remote.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stand_in;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::observation::{Operation, OperationResult};
use nixfleet_core::state_directory::{Ended, JournalEntry, RuntimeDirectory, StateDirectory};
use stand_in::{BusDaemon, Record, UnitBody, serve};

const AGENT: &str = env!("CARGO_BIN_EXE_nixfleet-agent");

struct Host {
    root: tempfile::TempDir,
    record: Arc<Mutex<Record>>,
    body: Arc<Mutex<UnitBody>>,
}

impl Host {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["state", "run"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        git(root.path(), &["init", "-q", "-b", "main", "remote"]);
        commit(&at("remote"));
        git(root.path(), &["clone", "-q", "remote", "state/repo"]);
        let config = serde_json::json!({
            "host": "web1",
            "repository": { "url": format!("file://{}", at("remote").display()), "branch": "main" },
            "agent": { "policy": { "pull": "on" } }
        });
        std::fs::write(at("config.json"), config.to_string()).unwrap();
        let record = Record { program: AGENT.into(), ..Record::default() };
        Self { root, record: Arc::new(Mutex::new(record)), body: Arc::new(Mutex::new(Box::new(|_: &str| {}))) }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn agent(&self, address: &str) -> Agent {
        self.agent_that_writes_to(address, Stdio::inherit())
    }

    fn agent_that_writes_to(&self, address: &str, log: Stdio) -> Agent {
        let mut command = Command::new(AGENT);
        command.arg("--config").arg(self.at("config.json"));
        command.arg("--state-directory").arg(self.at("state")).arg("--runtime-directory").arg(self.at("run"));
        command
            .arg("run")
            .env("NIXFLEET_BUS_ADDRESS", address)
            .env("INVOCATION_ID", "0123")
            .stdout(Stdio::null())
            .stderr(log);
        Agent(command.spawn().unwrap())
    }

    /// From now on a unit does this.
    fn units(&self, body: impl FnMut(&str) + Send + 'static) {
        *self.body.lock().unwrap() = Box::new(body);
    }

    fn starts(&self) -> usize {
        self.record.lock().unwrap().starts().len()
    }

    /// A unit that pulls, and records that.
    fn pulling(&self) -> impl FnMut(&str) + Send + 'static {
        let (repository, state) = (self.at("state/repo"), self.at("state"));
        move |unit: &str| {
            assert_eq!(unit, "nixfleet-pull.service");
            git(&repository, &["pull", "-q"]);
            record_end(&state, OperationResult::Success);
        }
    }

    fn failing(&self) -> impl FnMut(&str) + Send + 'static {
        let state = self.at("state");
        move |_: &str| record_end(&state, OperationResult::Failed)
    }
}

struct Agent(Child);

impl Agent {
    fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(process, signal).unwrap();
    }

    fn reload(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    async fn end(&mut self) -> Option<i32> {
        until("the agent ends", || self.0.try_wait().unwrap().is_some()).await;
        self.0.wait().unwrap().code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(directory).args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
    assert!(command.env("GIT_CONFIG_GLOBAL", "/dev/null").status().unwrap().success(), "git {arguments:?}");
}

fn commit(repository: &Path) {
    git(repository, &["commit", "-q", "--allow-empty", "-m", "a commit"]);
}

fn record_end(state: &Path, result: OperationResult) {
    let entry = JournalEntry::Ended(Ended::new(
        Operation::Pull,
        format!("{:032x}", Timestamp::now().as_nanosecond()),
        Timestamp::now(),
        result,
    ));
    StateDirectory::new(state).journal().append(&entry).unwrap();
}

async fn until(what: &str, condition: impl FnMut() -> bool) {
    let mut condition = condition;
    let deadline = Instant::now() + Duration::from_mins(2);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_while() {
    tokio::time::sleep(Duration::from_millis(1500)).await;
}

#[tokio::test]
async fn starts_what_is_due_once_and_tells_how_it_is() {
    let host = Host::new();
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    let mut agent = host.agent(&bus.address());
    let runtime = RuntimeDirectory::new(host.at("run"));
    until("a sign of life", || runtime.read_agent().unwrap().is_some()).await;
    until("a look at the remote", || runtime.read_remote_attempt().unwrap().is_some()).await;
    a_while().await;
    assert_eq!(host.starts(), 0, "nothing is new");

    host.units(host.pulling());
    commit(&host.at("remote"));
    agent.reload();
    until("a pull", || host.starts() == 1).await;
    {
        let record = host.record.lock().unwrap();
        assert_eq!(record.calls.first().map(String::as_str), Some("Subscribe"), "{:?}", record.calls);
        assert_eq!(record.starts(), ["StartUnit nixfleet-pull.service fail"]);
    }
    a_while().await;
    assert_eq!(host.starts(), 1, "what is done is done");

    host.units(host.failing());
    commit(&host.at("remote"));
    agent.reload();
    until("another pull", || host.starts() == 2).await;
    a_while().await;
    assert_eq!(host.starts(), 2, "a unit that failed is not started at once again");
    agent.reload();
    until("a pull that a person asks for", || host.starts() == 3).await;
    a_while().await;
    assert_eq!(host.starts(), 3, "asked for once, tried once");

    let remote = host.at("state/remote.json");
    let written = remote.metadata().unwrap().modified().unwrap();
    let before = runtime.read_remote_attempt().unwrap().unwrap().succeeded_total;
    agent.reload();
    let attempts = || runtime.read_remote_attempt().unwrap().unwrap().succeeded_total;
    until("another look", || attempts() > before).await;
    assert_eq!(remote.metadata().unwrap().modified().unwrap(), written, "a confirmed tip is not written again");

    agent.signal(rustix::process::Signal::TERM);
    assert_eq!(agent.end().await, Some(0));
}

#[tokio::test]
async fn outlives_its_bus_and_its_own_death() {
    let host = Host::new();
    host.units(host.pulling());
    let bus = BusDaemon::start(host.root.path());
    let systemd = serve(&bus.address(), &host.record, &host.body).await;
    let mut agent = host.agent(&bus.address());
    until("the agent listens", || host.record.lock().unwrap().calls.contains(&"Subscribe".to_owned())).await;

    // systemd is re-executed: it has to be asked for signals anew.
    host.record.lock().unwrap().calls.clear();
    systemd.release_name("org.freedesktop.systemd1").await.unwrap();
    systemd.request_name("org.freedesktop.systemd1").await.unwrap();
    until("it asks anew", || host.record.lock().unwrap().calls.contains(&"Subscribe".to_owned())).await;

    drop(systemd);
    drop(bus);
    commit(&host.at("remote"));
    agent.reload();
    a_while().await;
    assert!(agent.0.try_wait().unwrap().is_none(), "it lives without a bus");
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    until("what was due is started on the new bus", || host.starts() == 1).await;

    agent.signal(rustix::process::Signal::KILL);
    assert_eq!(agent.end().await, None);
    commit(&host.at("remote"));
    // While another operation is busy nothing is started, whoever began it.
    host.record.lock().unwrap().busy = Some("nixfleet-rollback@7.service".to_owned());
    let agent = host.agent(&bus.address());
    a_while().await;
    agent.reload();
    a_while().await;
    assert_eq!(host.starts(), 1);
    host.record.lock().unwrap().busy = None;
    until("a pull by the next agent", || host.starts() == 2).await;
}

/// Its next look a minute later would find in the journal what became of it; only the signal tells at once.
#[tokio::test]
async fn hears_at_once_of_the_end_of_what_somebody_else_started() {
    let host = Host::new();
    let bus = BusDaemon::start(host.root.path());
    let systemd = serve(&bus.address(), &host.record, &host.body).await;
    let log = host.at("log");
    let mut agent = host.agent_that_writes_to(&bus.address(), std::fs::File::create(&log).unwrap().into());
    until("the agent listens", || host.record.lock().unwrap().calls.contains(&"Subscribe".to_owned())).await;
    for operation in ["pull", "switch", "test", "rollback"] {
        let unit = format!("nixfleet-{operation}.service");
        stand_in::tell_end_of(&systemd, &unit).await;
        let told = format!("{unit}: job done, failed, result exit-code");
        until(&told, || std::fs::read_to_string(&log).unwrap().contains(&told)).await;
    }
    stand_in::tell_end_of(&systemd, "ssh.service").await;
    stand_in::tell_end_of(&systemd, "nixfleet-pull.service").await;
    let pulls = || std::fs::read_to_string(&log).unwrap().matches("nixfleet-pull.service: job done").count();
    until("the next of its own", || pulls() == 2).await;
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(!log.contains("ssh.service"), "what is none of its operations does not wake it up: {log}");
    agent.signal(rustix::process::Signal::TERM);
    assert_eq!(agent.end().await, Some(0));
}

#[tokio::test]
async fn a_refused_start_is_not_repeated_at_once() {
    let host = Host::new();
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    host.record.lock().unwrap().refuse = true;
    commit(&host.at("remote"));
    let mut agent = host.agent(&bus.address());
    until("a start", || host.starts() == 1).await;
    a_while().await;
    assert_eq!(host.starts(), 1);
    // Somebody has mended what refused it.
    agent.reload();
    until("another start", || host.starts() == 2).await;
    a_while().await;
    assert_eq!(host.starts(), 2);
    agent.signal(rustix::process::Signal::INT);
    assert_eq!(agent.end().await, Some(0));
}

#[tokio::test]
async fn makes_room_for_another_agent() {
    let host = Host::new();
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    let mut agent = host.agent(&bus.address());
    let runtime = RuntimeDirectory::new(host.at("run"));
    until("a look at the remote", || runtime.read_remote_attempt().unwrap().is_some()).await;
    a_while().await;
    assert!(agent.0.try_wait().unwrap().is_none(), "it is the one that the unit names");
    let other = host.at("another-agent");
    std::fs::write(&other, "").unwrap();
    {
        let mut record = host.record.lock().unwrap();
        record.program = other;
        record.busy = Some("nixfleet-switch.service".to_owned());
    }
    agent.reload();
    a_while().await;
    assert!(agent.0.try_wait().unwrap().is_none(), "it stays until the switch is over");
    host.record.lock().unwrap().busy = None;
    assert_eq!(agent.end().await, Some(0));
}

#[tokio::test]
async fn makes_room_for_one_that_is_passed_another_encrypted_credential() {
    let host = Host::new();
    let file = |name: &str| vec![("token".to_owned(), host.at(name).display().to_string())];
    host.record.lock().unwrap().encrypted_credentials = file("old");
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    let mut agent = host.agent(&bus.address());
    let runtime = RuntimeDirectory::new(host.at("run"));
    until("a look at the remote", || runtime.read_remote_attempt().unwrap().is_some()).await;
    a_while().await;
    assert!(agent.0.try_wait().unwrap().is_none());
    host.record.lock().unwrap().encrypted_credentials = file("new");
    agent.reload();
    assert_eq!(agent.end().await, Some(0));
}

#[tokio::test]
async fn a_reload_while_it_starts_is_not_lost() {
    let host = Host::new();
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    let runtime = RuntimeDirectory::new(host.at("run"));
    let attempts = || runtime.read_remote_attempt().unwrap().map_or(0, |attempt| attempt.succeeded_total);
    let mut agent = host.agent(&bus.address());
    until("a look at the remote", || attempts() == 1).await;
    agent.signal(rustix::process::Signal::TERM);
    assert_eq!(agent.end().await, Some(0));
    // Another agent has no reason of its own to look again.
    for round in 1..=5 {
        let before = attempts();
        let mut agent = host.agent(&bus.address());
        let status = format!("/proc/{}/status", agent.0.id());
        // SIGHUP is the lowest bit.
        let listens = || {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
            caught.and_then(|caught| u64::from_str_radix(caught, 16).ok()).is_some_and(|caught| caught & 1 == 1)
        };
        while !listens() {
            assert!(agent.0.try_wait().unwrap().is_none(), "round {round}");
        }
        agent.reload();
        until("a look that was asked for", || attempts() > before).await;
        agent.signal(rustix::process::Signal::TERM);
        assert_eq!(agent.end().await, Some(0));
    }
}

#[tokio::test]
async fn a_renewed_credential_is_a_reason_to_start_anew_where_looks_fail() {
    let host = Host::new();
    let secret = host.at("secret");
    std::fs::write(&secret, "old").unwrap();
    host.record.lock().unwrap().credentials = vec![("token".to_owned(), secret.display().to_string())];
    let bus = BusDaemon::start(host.root.path());
    let _systemd = serve(&bus.address(), &host.record, &host.body).await;
    let mut agent = host.agent(&bus.address());
    let runtime = RuntimeDirectory::new(host.at("run"));
    let attempt = || runtime.read_remote_attempt().unwrap();
    until("a look at the remote", || attempt().is_some()).await;
    a_while().await;

    std::fs::remove_file(&secret).unwrap();
    std::fs::write(&secret, "new").unwrap();
    agent.reload();
    until("another look", || attempt().unwrap().succeeded_total > 1).await;
    a_while().await;
    assert!(agent.0.try_wait().unwrap().is_none(), "the old one does it still");
    std::fs::rename(host.at("remote"), host.at("gone")).unwrap();
    agent.reload();
    assert_eq!(agent.end().await, Some(0));

    // The next one looks at once, whenever the last attempt was; nothing is renewed since, so it stays.
    let before = attempt().unwrap().failed_total;
    let mut agent = host.agent(&bus.address());
    until("a look at once", || attempt().unwrap().failed_total > before).await;
    a_while().await;
    assert!(agent.0.try_wait().unwrap().is_none());
    assert_eq!(attempt().unwrap().failed_total, before + 1);
}

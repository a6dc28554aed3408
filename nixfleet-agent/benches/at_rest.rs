//! The agent at rest, with its default intervals: how often it wakes up, its memory, its processor time, and what it writes.
//!
//! `cargo bench -p nixfleet-agent --bench at_rest [-- SECONDS]`, 900 seconds unless told
//!
//! Two agents at the same time, with GitHub off and on, each on a bus of its own with a stand-in for systemd, with a remote
//! over http. A wake-up is a voluntary switch of one of its threads (`voluntary_ctxt_switches` of proc(5)): it slept, and goes
//! on. Those of its looks, which are processes of their own, are not in it; that the agent starts and hears them is.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark has no public items and stops at what it did not expect"
)]

#[path = "../tests/stand_in/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod stand_in;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use nixfleet_core::state_directory::RuntimeDirectory;
use serde_json::json;
use stand_in::{BusDaemon, Record, UnitBody, serve};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::git;
use world::github::GithubServer;

/// Two intervals pass before the measurement has an even share of everything.
const SECONDS: u64 = 900;

struct Host {
    root: tempfile::TempDir,
    agent: Child,
    _bus: BusDaemon,
    _systemd: zbus::Connection,
    _git: HttpServer,
}

/// What is counted.
struct Counters {
    wake_ups: u64,
    checks: u64,
    requests: u64,
    ticks: u64,
    resident: String,
    written: Vec<(String, SystemTime)>,
}

/// That of this build; the variable names another one, such as an installed one.
fn agent() -> PathBuf {
    std::env::var_os("NIXFLEET_BENCHMARK_AGENT").unwrap_or(env!("CARGO_BIN_EXE_nixfleet-agent").into()).into()
}

fn main() {
    let seconds = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SECONDS);
    let github = GithubServer::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(seconds, github.api_url()));
}

async fn measure(seconds: u64, api_url: String) {
    let hosts = [("GitHub off", None), ("GitHub on", Some(api_url))];
    let mut measured = Vec::new();
    for (name, api_url) in hosts {
        measured.push((name, Host::start(api_url).await));
    }
    println!("{seconds} s with the default intervals");
    tokio::time::sleep(Duration::from_secs(20)).await;
    let before: Vec<Counters> = measured.iter().map(|(_, host)| host.counters()).collect();
    let begin = Instant::now();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    for ((name, host), before) in measured.iter().zip(before) {
        let now = host.counters();
        let wake_ups = now.wake_ups - before.wake_ups;
        let per_minute = f64::from(u32::try_from(wake_ups).unwrap()) / minutes;
        println!(
            "{name}: {per_minute:.2} wake-ups a minute ({wake_ups} in {minutes:.1} minutes, with {} checks of the remote and {} \
             of GitHub); {} ms of processor time with its looks; {}; files written in the state directory: {}",
            now.checks - before.checks,
            now.requests - before.requests,
            (now.ticks - before.ticks) * 1000 / rustix::param::clock_ticks_per_second(),
            now.resident,
            now.written.iter().filter(|file| !before.written.contains(file)).count(),
        );
    }
}

impl Host {
    async fn start(api_url: Option<String>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["state", "run", "served/example", "work"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        git(&at("work"), &["init", "--quiet"]);
        git(&at("work"), &["commit", "--quiet", "--allow-empty", "--message", "a commit"]);
        git(root.path(), &["clone", "--quiet", "--bare", "work", "served/example/fleet.git"]);
        git(root.path(), &["clone", "--quiet", "work", "state/repo"]);
        let server = HttpServer::start(&at("served"), Behaviour::default());
        let address = server.url();
        let (address, _) = address.split_once("/repository").unwrap();
        let github = api_url.map_or_else(|| json!({}), |api_url| json!({ "enable": true, "api_url": api_url }));
        let config = json!({
            "host": "web1",
            "repository": { "url": format!("{address}/example/fleet.git"), "branch": "main" },
            "github": github,
            "agent": { "policy": { "pull": "on", "switch": "on" } }
        });
        std::fs::write(at("config.json"), config.to_string()).unwrap();
        let bus = BusDaemon::start(root.path());
        let record = Arc::new(Mutex::new(Record { program: agent(), ..Record::default() }));
        let body: Arc<Mutex<UnitBody>> = Arc::new(Mutex::new(Box::new(|_: &str| {})));
        let systemd = serve(&bus.address(), &record, &body).await;
        let mut command = Command::new(agent());
        command.arg("--config").arg(at("config.json"));
        command.arg("--state-directory").arg(at("state")).arg("--runtime-directory").arg(at("run"));
        let agent = command.arg("run").env("NIXFLEET_BUS_ADDRESS", bus.address()).env("INVOCATION_ID", "0123").spawn();
        Self { agent: agent.unwrap(), root, _bus: bus, _systemd: systemd, _git: server }
    }

    fn counters(&self) -> Counters {
        let process = Path::new("/proc").join(self.agent.id().to_string());
        let status = |path: &Path, name: &str| {
            let text = std::fs::read_to_string(path.join("status")).unwrap();
            text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
        };
        let threads = std::fs::read_dir(process.join("task")).unwrap().map(|thread| thread.unwrap().path());
        let wake_ups = threads.map(|thread| status(&thread, "voluntary_ctxt_switches:").parse::<u64>().unwrap()).sum();
        let stat = std::fs::read_to_string(process.join("stat")).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(4).map(|field| field.parse::<u64>().unwrap()).sum();
        let runtime = RuntimeDirectory::new(self.root.path().join("run"));
        let checks = runtime.read_remote_attempt().unwrap().unwrap();
        assert_eq!(checks.error, None);
        let requests = runtime.read_pull_request_attempt().unwrap().map_or(0, |asked| {
            assert_eq!(asked.attempt.error, None);
            asked.attempt.succeeded_total
        });
        let written = files(&self.root.path().join("state"));
        let resident = format!("{} resident", status(&process, "VmRSS:"));
        Counters { wake_ups, checks: checks.succeeded_total, requests, ticks, resident, written }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

fn files(directory: &Path) -> Vec<(String, SystemTime)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path().display().to_string(), entry.metadata().unwrap().modified().unwrap()));
        }
    }
    found
}

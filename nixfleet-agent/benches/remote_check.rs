//! The CPU time of a look at a remote with nothing new, and of `git ls-remote` on the same remote, in turn.
//!
//! `cargo bench -p nixfleet-agent --bench remote_check`
//!
//! The look is the process that the agent starts for it, from its start to its end; what is the look itself in it is counted
//! beside it, in this process. All are counted in user and system time, git with all of its children. The HTTP server is a
//! process of its own, and counts for none.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark has no public items and stops at what it did not expect"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use nixfleet_core::git::RemoteStore;
use nixfleet_core::state_directory::StateDirectory;
use rustix::time::{ClockId, clock_gettime};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::{TestRepository, git_command};
use world::git_server::source;

const AGENT: &str = env!("CARGO_BIN_EXE_nixfleet-agent");
const TURNS: usize = 9;
const TIMES: u32 = 50;
const SERVE: &str = "NIXFLEET_BENCHMARK_SERVES";

fn main() {
    if let Some(root) = std::env::var_os(SERVE) {
        return serve(Path::new(&root));
    }
    let repository = TestRepository::new();
    let (server, http) = server(repository.directory.path());
    println!("CPU time of one check with nothing new, in ms, each the mean of {TIMES}");
    for url in [format!("file://{}", repository.path.display()), http] {
        compare(&url);
    }
    end(server);
}

/// Prints a line for each turn, and the median of their quotients.
fn compare(url: &str) {
    let directory = tempfile::tempdir().unwrap();
    let store = RemoteStore::new(directory.path().join("store"));
    let source = source(url, Some("main"));
    let first = store.observe(&source, None, None, Timestamp::now()).unwrap();
    let alone = || drop(store.observe(&source, Some(&first), None, Timestamp::now()).unwrap());
    StateDirectory::new(directory.path()).write_remote(&first).unwrap();
    let look = || look_process(directory.path(), url);
    let ls_remote = || {
        let output = git_command(directory.path()).args(["ls-remote", url, "refs/heads/main"]).output().unwrap();
        assert!(output.stdout.starts_with(first.revision.as_str().as_bytes()));
    };
    let kind = url.split(':').next().unwrap_or_default();
    let mut quotients: Vec<f64> = (0..TURNS)
        .map(|_| {
            let nixfleet = of_children(look);
            let alone = of_this_process(alone);
            let git = of_children(ls_remote);
            println!("{kind}: look {nixfleet:.3} (without a process of its own {alone:.3}), git ls-remote {git:.3}");
            nixfleet / git
        })
        .collect();
    quotients.sort_by(f64::total_cmp);
    println!("{kind}: the look costs {:.2} of git ls-remote (median of {TURNS} turns)", quotients[TURNS / 2]);
}

/// As the agent starts it.
fn look_process(directory: &Path, url: &str) {
    let mut command = Command::new(AGENT);
    command.arg("--state-directory").arg(directory).arg("--runtime-directory").arg(directory).args(["look", "remote"]);
    if !url.starts_with("http") {
        command.env("SSL_CERT_FILE", "/dev/null");
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let question = serde_json::json!({ "config": { "repository": { "url": url, "branch": "main" } } });
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.starts_with(r#"{"Ok":"main is at "#), "{answer}");
    child.wait().unwrap();
}

/// Milliseconds for each time.
fn of_this_process(work: impl Fn()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        f64::from(u32::try_from(time.tv_sec).unwrap()) * 1e3 + f64::from(u32::try_from(time.tv_nsec).unwrap()) / 1e6
    };
    let begin = now();
    (0..TIMES).for_each(|_| work());
    (now() - begin) / f64::from(TIMES)
}

/// Milliseconds for each time, of the processes that ended.
fn of_children(work: impl Fn()) -> f64 {
    let begin = children_ticks();
    (0..TIMES).for_each(|_| work());
    let ticks = f64::from(children_ticks() - begin);
    let in_a_second = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap());
    ticks * 1e3 / in_a_second / f64::from(TIMES)
}

/// `cutime` and `cstime` of proc(5).
fn children_ticks() -> u32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(13).take(2).map(|field| field.parse::<u32>().unwrap()).sum()
}

/// This program once more, as the server; and its URL.
fn server(root: &Path) -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVE, root).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    (child, url.trim().to_owned())
}

/// Until standard input ends, also where the benchmark is killed.
fn serve(root: &Path) {
    let server = HttpServer::start(root, Behaviour::default());
    println!("{}", server.url());
    std::io::stdin().lines().for_each(drop);
}

fn end(mut server: Child) {
    drop(server.stdin.take());
    server.wait().unwrap();
}

//! The CPU time of a look at a remote with nothing new, and of `git ls-remote` on the same remote, in turn.
//!
//! `cargo bench -p nixfleet-agent --bench remote_check`
//!
//! The look is the process that the agent starts for it, from its start to its end. Both are counted in user and system time,
//! git with all of its children. The server is a process of its own, and counts for neither. For https both read the
//! certificates that this machine trusts, and the server's.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark has no public items and stops at what it did not expect"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nixfleet_core::state_directory::StateDirectory;
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::{TestRepository, git_command};
use world::git_server::tls::TlsServer;

const AGENT: &str = env!("CARGO_BIN_EXE_nixfleet-agent");
const TURNS: usize = 9;
const TIMES: u32 = 50;
/// In the directory of the repository.
const CERTIFICATES: &str = "certificates.pem";
const SERVE: &str = "NIXFLEET_BENCHMARK_SERVES";

fn main() {
    if let Some(root) = std::env::var_os(SERVE) {
        return serve(Path::new(&root));
    }
    let repository = TestRepository::new();
    let root = repository.directory.path();
    let (server, http, https) = server(root);
    println!("CPU time of one check with nothing new, in ms, each the mean of {TIMES}");
    for url in [format!("file://{}", repository.path.display()), http, https] {
        compare(&url, &root.join(CERTIFICATES));
    }
    end(server);
}

/// Prints a line for each turn, and the median of their quotients.
fn compare(url: &str, certificates: &Path) {
    let directory = tempfile::tempdir().unwrap();
    let look = || look_process(directory.path(), url, certificates);
    look();
    let tip = StateDirectory::new(directory.path()).read_remote().unwrap().unwrap().revision;
    let ls_remote = || {
        let mut command = git_command(directory.path());
        let output = command.env("GIT_SSL_CAINFO", certificates).args(["ls-remote", url, "refs/heads/main"]).output();
        assert!(output.unwrap().stdout.starts_with(tip.as_str().as_bytes()));
    };
    let kind = url.split(':').next().unwrap_or_default();
    let mut quotients: Vec<f64> = (0..TURNS)
        .map(|_| {
            let (look, git) = (of_children(look), of_children(ls_remote));
            println!("{kind}: look {look:.2}, git ls-remote {git:.2}");
            look / git
        })
        .collect();
    quotients.sort_by(f64::total_cmp);
    println!("{kind}: the look costs {:.2} of git ls-remote (median of {TURNS} turns)", quotients[TURNS / 2]);
}

/// As the agent starts it.
fn look_process(directory: &Path, url: &str, certificates: &Path) {
    let mut command = Command::new(AGENT);
    command.arg("--state-directory").arg(directory).arg("--runtime-directory").arg(directory).args(["look", "remote"]);
    command.env("SSL_CERT_FILE", if url.starts_with("https:") { certificates } else { Path::new("/dev/null") });
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let question = serde_json::json!({ "config": { "repository": { "url": url, "branch": "main" } } });
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.starts_with(r#"{"Ok":"main is at "#), "{answer}");
    child.wait().unwrap();
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

/// This program once more, as the server; and its URLs.
fn server(root: &Path) -> (Child, String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVE, root).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (http, https) = (lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap());
    (child, http, https)
}

/// Until standard input ends, also where the benchmark is killed.
fn serve(root: &Path) {
    let http = HttpServer::start(root, Behaviour::default());
    let tls = TlsServer::start(http.port());
    let trusted = std::fs::read("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(root.join(CERTIFICATES), [trusted, tls.certificate_pem.clone()].concat()).unwrap();
    println!("{}\n{}", http.url(), tls.url("localhost"));
    std::io::stdin().lines().for_each(drop);
}

fn end(mut server: Child) {
    drop(server.stdin.take());
    server.wait().unwrap();
}

//! The CPU time of a check with nothing new, and of `git ls-remote` on the same remote, in turn.
//!
//! `cargo bench -p nixfleet-agent --bench remote_check [-- KIND...]`, where `ssh` is a kind of remote
//!
//! The check is the process that the agent starts for it, from its start to its end: it looks at the remote, and decides what
//! is next on a host with a checkout and a journal. Both are counted in user and system time, with all of their children
//! (`git-upload-pack`, `ssh`). The server is a process of its own, and counts for neither. For https both read the
//! certificates that this machine trusts, and the server's; over ssh both use the same key.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark has no public items and stops at what it did not expect"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use nixfleet_core::observation::{Operation, OperationResult};
use nixfleet_core::state_directory::{Ended, JournalEntry, StateDirectory};
use serde_json::{Value, json};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::{TestRepository, git_command};
use world::git_server::ssh::SshServer;
use world::git_server::tls::TlsServer;

const TURNS: usize = 11;
const TIMES: u32 = 50;
/// In the directory of the repository.
const CERTIFICATES: &str = "certificates.pem";
const SERVE: &str = "NIXFLEET_BENCHMARK_SERVES";

/// That of this build; the variable names another one, such as an installed one.
fn agent() -> PathBuf {
    std::env::var_os("NIXFLEET_BENCHMARK_AGENT").unwrap_or(env!("CARGO_BIN_EXE_nixfleet-agent").into()).into()
}

fn main() {
    if let Some(root) = std::env::var_os(SERVE) {
        return serve(Path::new(&root));
    }
    let repository = TestRepository::new();
    let root = repository.directory.path();
    let (server, mut remotes) = server(root);
    remotes.insert(0, json!({ "url": format!("file://{}", repository.path.display()) }));
    // What cargo itself passes begins with a dash.
    let kinds: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("CPU time of one check with nothing new, in ms, each the mean of {TIMES}");
    for settings in &remotes {
        if kinds.is_empty() || kinds.iter().any(|kind| kind == kind_of(settings)) {
            compare(root, settings);
        }
    }
    end(server);
}

/// Prints a line for each turn, and the median of their quotients. `settings` are those of the remote.
fn compare(root: &Path, settings: &Value) {
    let directory = tempfile::tempdir().unwrap();
    let url = settings["url"].as_str().unwrap();
    let certificates = root.join(CERTIFICATES);
    let check = || check_process(directory.path(), settings, &certificates);
    let cloned = git_command(root)
        .args(["clone", "-q"])
        .arg(root.join("repository"))
        .arg(directory.path().join("repo"))
        .status();
    assert!(cloned.unwrap().success());
    write_journal(directory.path());
    check();
    let tip = StateDirectory::new(directory.path()).read_remote().unwrap().unwrap().revision;
    let ssh = settings["ssh_key_file"].as_str().map(|key| {
        let known_hosts = settings["known_hosts_file"].as_str().unwrap();
        format!("ssh -o BatchMode=yes -o IdentitiesOnly=yes -i {key} -o UserKnownHostsFile={known_hosts}")
    });
    let ls_remote = || {
        let mut command = git_command(directory.path());
        command.env("GIT_SSL_CAINFO", &certificates).envs(ssh.as_ref().map(|ssh| ("GIT_SSH_COMMAND", ssh)));
        let output = command.args(["ls-remote", url, "refs/heads/main"]).output().unwrap();
        assert!(output.stdout.starts_with(tip.as_str().as_bytes()), "{output:?}");
    };
    let kind = kind_of(settings);
    let mut quotients: Vec<f64> = (0..TURNS)
        .map(|_| {
            let (check, git) = (of_children(check), of_children(ls_remote));
            println!("{kind}: check {check:.2}, git ls-remote {git:.2}");
            check / git
        })
        .collect();
    quotients.sort_by(f64::total_cmp);
    println!("{kind}: the check costs {:.2} of git ls-remote (median of {TURNS} turns)", quotients[TURNS / 2]);
}

fn kind_of(settings: &Value) -> &str {
    settings["url"].as_str().unwrap().split(':').next().unwrap()
}

/// A hundred operations.
fn write_journal(directory: &Path) {
    let journal = StateDirectory::new(directory).journal();
    for number in 0..100 {
        let entry = JournalEntry::Ended(Ended::new(
            Operation::Pull,
            format!("{number:032x}"),
            Timestamp::now(),
            OperationResult::Success,
        ));
        journal.append(&entry).unwrap();
    }
}

/// As the agent starts it.
fn check_process(directory: &Path, settings: &Value, certificates: &Path) {
    let mut command = Command::new(agent());
    command.arg("--state-directory").arg(directory).arg("--runtime-directory").arg(directory).args(["look", "remote"]);
    command.env("SSL_CERT_FILE", certificates).env_remove("SSL_CERT_DIR");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut repository = settings.clone();
    repository["branch"] = "main".into();
    let policy = json!({ "pull": "on", "switch": "on" });
    let question = json!({ "config": { "repository": repository, "agent": { "policy": policy } } });
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let (remote, host) = (answers.next().unwrap().unwrap(), answers.next().unwrap().unwrap());
    assert!(remote.starts_with(r#"{"Ok":"main is at "#), "{remote}");
    assert!(host.contains("up to date"), "{host}");
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

/// This program once more, as the server; and the settings of its remotes.
fn server(root: &Path) -> (Child, Vec<Value>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(SERVE, root).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// Until standard input ends, also where the benchmark is killed.
fn serve(root: &Path) {
    let http = HttpServer::start(root, Behaviour::default());
    let tls = TlsServer::start(http.port());
    let trusted = std::fs::read("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(root.join(CERTIFICATES), [trusted, tls.certificate_pem.clone()].concat()).unwrap();
    let mut remotes = vec![json!({ "url": http.url() }), json!({ "url": tls.url("localhost") })];
    let ssh = SshServer::start();
    remotes.extend(ssh.as_ref().map(|ssh| {
        let known = ssh.known_hosts("known", &format!("[127.0.0.1]:{} {}\n", ssh.port, ssh.host_key()));
        json!({ "url": ssh.url(&root.join("repository")), "ssh_key_file": ssh.user_key(), "known_hosts_file": known })
    }));
    println!("{}", Value::from(remotes));
    std::io::stdin().lines().for_each(drop);
}

fn end(mut server: Child) {
    drop(server.stdin.take());
    server.wait().unwrap();
}

//! A remote over ssh, with a real sshd. Without one the tests say "skipped: no sshd".

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::git::{Credentials, RemoteError, RemoteSource, RemoteStore};
use nixfleet_core::observation::RemoteCommit;
use tempfile::TempDir;
use world::git_server::repository::TestRepository;
use world::git_server::source;
use world::git_server::ssh::{SshServer, public_key};
use world::git_server::tcp::{SilentServer, free_port};

fn look(url: &str, key: PathBuf, known_hosts: PathBuf) -> Result<RemoteCommit, RemoteError> {
    let directory = TempDir::new().unwrap();
    let credentials =
        Credentials { ssh_key_file: Some(key), known_hosts_file: Some(known_hosts), ..Credentials::default() };
    let source = RemoteSource { credentials, ..source(url, None) };
    RemoteStore::new(directory.path().join("remote.git")).observe(&source, None, None, Timestamp::UNIX_EPOCH)
}

#[test]
fn known_hosts_in_all_forms() {
    let Some(server) = SshServer::start() else { return };
    let upstream = TestRepository::new();
    let url = server.url(&upstream.path);
    let (port, key) = (server.port, server.host_key());
    let wrong = public_key(&server.other_key("another"));
    let hashed = server.known_hosts("hashed %d known", &format!("[127.0.0.1]:{port} {key}\n"));
    let made = std::process::Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&hashed).output().unwrap();
    assert!(made.status.success());
    assert!(std::fs::read_to_string(&hashed).unwrap().starts_with("|1|"));

    for (name, known_hosts) in [
        ("right", server.known_hosts("right", &format!("[127.0.0.1]:{port} {key}\n"))),
        ("hashed", hashed),
        ("wildcard", server.known_hosts("wildcard", &format!("* {key}\n"))),
    ] {
        let seen = look(&url, server.user_key(), known_hosts)
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", server.log()));
        assert_eq!(seen.revision.as_str(), upstream.head(), "{name}");
        assert_eq!(seen.url, url);
    }
    for (name, content, says) in [
        ("changed", format!("[127.0.0.1]:{port} {wrong}\n"), "not the known one"),
        ("unknown", String::new(), "not known here"),
        ("other port", format!("[127.0.0.1]:1 {key}\n"), "not known here"),
        ("revoked", format!("@revoked [127.0.0.1]:{port} {key}\n"), "not the known one"),
    ] {
        let known_hosts = server.known_hosts(name, &content);
        let error = look(&url, server.user_key(), known_hosts.clone()).unwrap_err();
        assert!(matches!(error, RemoteError::HostKey { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(says), "{name}: {error}");
        assert_eq!(std::fs::read_to_string(known_hosts).unwrap(), content, "nothing is added");
    }
}

#[test]
fn failures_are_told_apart() {
    let Some(server) = SshServer::start() else { return };
    let upstream = TestRepository::new();
    let known_hosts = server.known_hosts("known", &format!("* {}\n", server.host_key()));
    let url = server.url(&upstream.path);
    let kind = |url: &str, key: PathBuf| {
        let error = look(url, key, known_hosts.clone()).unwrap_err();
        println!("{error}");
        format!("{error:?}").split_whitespace().next().unwrap().to_owned()
    };
    let nobodys = server.other_key("nobodys");
    let garbage = server.known_hosts("garbage", "garbage");
    let refused = format!("ssh://127.0.0.1:{}/a", free_port());
    assert_eq!(kind(&url, nobodys), "Authentication");
    assert_eq!(kind(&url, garbage), "Authentication");
    assert_eq!(kind(&url, server.user_key().with_extension("none")), "Credentials");
    assert_eq!(kind(&format!("{url}/nothing"), server.user_key()), "NotFound");
    assert_eq!(kind(&refused, server.user_key()), "Network");
    assert_eq!(kind("git@no-such-host.invalid:a", server.user_key()), "Network");
    let silent = SilentServer::start(b"");
    let started = Instant::now();
    assert_eq!(kind(&format!("ssh://{}/a", silent.address), server.user_key()), "Timeout");
    assert!(started.elapsed() < Duration::from_mins(1), "{:?}", started.elapsed());
}

#[test]
fn strange_paths_are_paths() {
    let Some(server) = SshServer::start() else { return };
    let upstream = TestRepository::new();
    let strange = upstream.root().join("it's $(touch x) `y` \\!; é");
    std::fs::rename(&upstream.path, &strange).unwrap();
    let known_hosts = server.known_hosts("known", &format!("* {}\n", server.host_key()));
    let encoded: String =
        strange.to_str().unwrap().bytes().fold(String::new(), |url, byte| url + &format!("%{byte:02x}"));
    let url = server.url(std::path::Path::new(&format!("/{encoded}")));
    let seen = look(&url, server.user_key(), known_hosts).unwrap();
    assert_eq!(seen.branch, "main");
    assert!(!upstream.root().join("x").exists());
}

#[test]
fn the_process_ends_with_the_time() {
    let Some(server) = SshServer::start() else { return };
    // Bytes of a banner that never ends, which ssh itself would read for long.
    let drip = SilentServer::start(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    let mut source = source(&format!("ssh://{}/unmistakable/path", drip.address), None);
    source.timeouts.total = Duration::from_millis(700);
    source.credentials.known_hosts_file = Some(server.known_hosts("none", ""));
    let directory = TempDir::new().unwrap();
    let store = RemoteStore::new(directory.path().join("remote.git"));
    let started = Instant::now();
    let error = store.observe(&source, None, None, Timestamp::UNIX_EPOCH).unwrap_err();
    assert!(matches!(error, RemoteError::Timeout { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let running = std::process::Command::new("pgrep").args(["-f", "upload-pack '/unmistakable/path'"]).output();
    if let Ok(running) = running {
        assert_eq!(String::from_utf8_lossy(&running.stdout), "");
    }
}

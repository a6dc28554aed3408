//! What depends on the process and the machine: trusted certificates, the owner of a repository, a full disk.
//!
//! Such a test runs itself again in a process whose surroundings it has arranged.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc;

use jiff::Timestamp;
use nixfleet_core::git::{RemoteError, RemoteStore, allow_foreign_owner, lock_in_work_tree, observe_repository};
use tempfile::TempDir;
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::TestRepository;
use world::git_server::source;
use world::git_server::tls::TlsServer;
use world::skipped::skipped;

/// Where the inner process finds what it works on.
const INNER: &str = "NIXFLEET_TEST_INNER";

/// The command that runs one test of this binary again; `before` are the words in front of it.
fn again(test: &str, before: &[&str], inner: &str) -> Command {
    let binary = std::env::current_exe().unwrap();
    let words: Vec<&str> =
        before.iter().copied().chain([binary.to_str().unwrap(), "--exact", test, "--nocapture"]).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env(INNER, inner);
    command
}

fn assert_passed(output: &Output) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn store_in(directory: &Path) -> RemoteStore {
    RemoteStore::new(directory.join("remote.git"))
}

#[test]
fn certificates_are_checked() {
    let directory = TempDir::new().unwrap();
    let observe = |url: &str| store_in(directory.path()).observe(&source(url, None), None, None, Timestamp::UNIX_EPOCH);
    if let Ok(inner) = std::env::var(INNER) {
        if let Some(authority) = std::env::var_os("NIXFLEET_TEST_AUTHORITY") {
            let error = observe(authority.to_str().unwrap()).unwrap_err();
            assert!(error.to_string().contains("the server needs one with CA:FALSE"), "{error}");
        }
        // Here the certificate is trusted: for its own name only.
        assert_eq!(observe(&inner).unwrap().branch, "main");
        let error = observe(&inner.replace("localhost", "127.0.0.1")).unwrap_err();
        assert!(matches!(error, RemoteError::Certificate { .. }), "{error:?}");
        assert!(error.to_string().contains("it is for another name"), "{error}");
        return;
    }
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let tls = TlsServer::start(server.port());
    let url = tls.url("localhost");
    let error = observe(&url).unwrap_err();
    assert!(matches!(error, RemoteError::Certificate { .. }), "{error:?}");
    assert!(error.to_string().contains("who signed it is not trusted here"), "{error}");
    assert_eq!(server.requests().len(), 0);
    let authority = TlsServer::start_as_authority(server.port());
    let trusted = directory.path().join("trusted.pem");
    std::fs::write(&trusted, [tls.certificate_pem.clone(), authority.certificate_pem.clone()].concat()).unwrap();
    for (variable, other) in [("SSL_CERT_FILE", Some("NIX_SSL_CERT_FILE")), ("NIX_SSL_CERT_FILE", None)] {
        let mut command = again("certificates_are_checked", &[], &url);
        command.env("NIXFLEET_TEST_AUTHORITY", authority.url("localhost"));
        for name in ["SSL_CERT_DIR", "SSL_CERT_FILE", "NIX_SSL_CERT_FILE"] {
            command.env_remove(name);
        }
        // The variable of Nix comes after the others.
        command.envs(other.map(|other| (other, "/dev/null"))).env(variable, &trusted);
        assert_passed(&command.output().unwrap());
    }
}

/// A proxy that connects to whatever it is asked for by whom it knows, and notes it.
fn proxy(seen: mpsc::Sender<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            let head = String::from_utf8(head).unwrap();
            let target = head.split_whitespace().nth(1).unwrap().to_owned();
            // Who does not listen any more has failed already.
            let _ = seen.send(head.lines().next().unwrap().to_owned());
            if !head.contains("Proxy-Authorization: Basic bWU6UEEkJA==") {
                client.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").unwrap();
                continue;
            }
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let server = TcpStream::connect(target).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            // The other side may be gone.
            let _ = std::io::copy(&mut &server, &mut client);
        }
    });
    address
}

#[test]
fn the_proxy_of_the_environment_is_used() {
    if let Ok(inner) = std::env::var(INNER) {
        let directory = TempDir::new().unwrap();
        let seen = store_in(directory.path()).observe(&source(&inner, None), None, None, Timestamp::UNIX_EPOCH);
        println!("{}", seen.map_or_else(|error| error.to_string(), |seen| format!("at {}", seen.revision)));
        return;
    }
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let (sender, seen) = mpsc::channel();
    let address = proxy(sender);
    let look = |variables: &[(&str, String)]| {
        let mut command = again("the_proxy_of_the_environment_is_used", &[], &server.url());
        for name in ["http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"] {
            command.env_remove(name);
        }
        let output = command.envs(variables.iter().map(|(name, value)| (*name, value))).output().unwrap();
        assert_passed(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let at = format!("at {}", upstream.head());
    let with_password = ("http_proxy", format!("http://me:PA$$@{address}"));
    let said = look(std::slice::from_ref(&with_password));
    assert!(said.contains(&at), "{said}");
    assert_eq!(seen.try_recv().unwrap(), format!("CONNECT 127.0.0.1:{} HTTP/1.1", server.port()));
    seen.try_iter().for_each(drop);
    let said = look(&[with_password, ("no_proxy", "localhost,127.0.0.1".to_owned())]);
    assert!(said.contains(&at), "{said}");
    assert!(seen.try_recv().is_err());
    let said = look(&[("HTTP_PROXY", format!("me:WRONG@{address}"))]);
    assert!(said.contains(&format!("the proxy does not connect, through the proxy {address} (")), "{said}");
    assert!(said.contains("407") && !said.contains("WRONG"), "{said}");
    let said = look(&[("http_proxy", "http://127.0.0.1:1".to_owned())]);
    assert!(said.contains("failed to connect, through the proxy 127.0.0.1:1 ("), "{said}");
    let said = look(&[("http_proxy", "socks5://127.0.0.1:1".to_owned())]);
    assert!(said.contains("http_proxy of the environment names no http proxy"), "{said}");
}

#[test]
fn a_repository_of_another_user() {
    if let Some(path) = std::env::var_os(INNER).map(PathBuf::from) {
        let message = observe_repository(&path).error().unwrap().to_owned();
        assert!(message.contains("git config --global --add safe.directory"), "{message}");
        assert!(lock_in_work_tree(&path).is_err());
        allow_foreign_owner();
        assert!(observe_repository(&path).present().is_some());
        assert!(lock_in_work_tree(&path).unwrap().is_some());
        return;
    }
    let repository = TestRepository::new();
    let is_root = std::os::unix::fs::chown(repository.path.join("flake.lock"), Some(65534), Some(65534)).is_ok();
    if !is_root {
        skipped("only root can give a repository away");
        return;
    }
    let given = Command::new("chown").args(["-R", "65534:65534"]).arg(&repository.path).status().unwrap();
    assert!(given.success());
    let output =
        again("a_repository_of_another_user", &[], repository.path.to_str().unwrap()).env_remove("SUDO_UID").output();
    assert_passed(&output.unwrap());
}

#[test]
fn a_full_disk_is_said_and_passes() {
    if let Some(directory) = std::env::var_os(INNER).map(PathBuf::from) {
        let upstream = TestRepository::new();
        let server = HttpServer::start(upstream.root(), Behaviour::default());
        let store = store_in(&directory);
        let source = source(&server.url(), None);
        let first = store.observe(&source, None, None, Timestamp::UNIX_EPOCH).unwrap();
        let small = upstream.head();
        let noise = Command::new("head").args(["-c", "4000000", "/dev/urandom"]).output().unwrap().stdout;
        std::fs::write(upstream.path.join("large"), noise).unwrap();
        upstream.git(&["add", "."]);
        upstream.git(&["commit", "--quiet", "-m", "large"]);
        for _ in 0..2 {
            let error = store.observe(&source, Some(&first), None, Timestamp::UNIX_EPOCH).unwrap_err();
            assert!(matches!(error, RemoteError::Store { .. }), "{error:?}");
            assert!(error.to_string().contains("free some space"), "{error}");
        }
        upstream.git(&["reset", "--quiet", "--hard", &small]);
        let next = upstream.commit("a", "1", "small again");
        let seen = store.observe(&source, Some(&first), None, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(seen.revision.as_str(), next);
        return;
    }
    let directory = TempDir::new().unwrap();
    let script = "mount -t tmpfs -o size=2m tmpfs \"$0\" || exit 77; exec \"$@\"";
    let path = directory.path().to_str().unwrap();
    let before = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, path];
    match again("a_full_disk_is_said_and_passes", &before, path).output() {
        Ok(output)
            if output.status.code() == Some(77) || String::from_utf8_lossy(&output.stderr).contains("unshare") =>
        {
            skipped("no mount namespace here");
        }
        Ok(output) => assert_passed(&output),
        Err(error) => skipped(&error.to_string()),
    }
}

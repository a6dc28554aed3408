//! The exporter as a process: signals, systemd's protocol, its exit code.
//!
//! The program itself needs a real host. So this test program starts itself again, as the child of the test below, and
//! then runs what the program's `main` runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod client;
mod hosts;

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser as _;
use client::{get, get_unix};
use nixfleet_exporter::arguments::Arguments;
use nixfleet_exporter::listen::PassedSockets;
use world::git_server::tcp::free_port;
use world::skipped::skipped;

const ARGUMENTS: &str = "NIXFLEET_TEST_ARGUMENTS";

/// No test where nobody asks for it by the environment.
#[test]
fn child() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let passed = PassedSockets::from_environment();
    let arguments = Arguments::parse_from(["nixfleet-exporter"].into_iter().chain(arguments.split_whitespace()));
    nixfleet_exporter::run::run(&arguments.web, Arc::new(hosts::Fixed(hosts::full())), passed).unwrap();
}

const THIS: [&str; 3] = ["child", "--exact", "--nocapture"];

fn start(arguments: &str, notify: Option<&Path>, watchdog: Option<Duration>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(THIS).env(ARGUMENTS, arguments).stdout(Stdio::null());
    if let Some(path) = notify {
        command.env("NOTIFY_SOCKET", path);
    }
    if let Some(watchdog) = watchdog {
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
    }
    command.spawn().unwrap()
}

fn terminate(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_mins(2), "{what} did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn from_ready_to_stopped() {
    for signal in ["-TERM", "-INT"] {
        let directory = tempfile::tempdir().unwrap();
        let notify_path = directory.path().join("notify");
        let notify = UnixDatagram::bind(&notify_path).unwrap();
        notify.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let read = || {
            let mut bytes = [0; 4096];
            let length = notify.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        let socket = directory.path().join("http.sock");
        let arguments = format!("--web.listen-address unix:{}", socket.display());
        let mut child = start(&arguments, Some(&notify_path), Some(Duration::from_millis(400)));
        let ready = read();
        assert!(ready.contains("READY=1") && ready.contains("STATUS=listening on unix:"), "{ready}");
        assert!(read().contains("WATCHDOG=1"));
        assert!(read().contains("WATCHDOG=1"));
        assert_eq!(get_unix(&socket, &get("/metrics")).status, 200);
        terminate(&child, signal);
        while !read().contains("STOPPING=1") {}
        assert!(child.wait().unwrap().success());
        assert!(!socket.exists(), "the socket's file is left behind");
    }
}

#[test]
fn socket_activation() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("http.sock");
    let (mut child, port) = loop {
        let port = free_port();
        let activate = Command::new("systemd-socket-activate")
            .args(["-l", &format!("127.0.0.1:{port}"), "-l", socket.to_str().unwrap(), "-E", &format!("{ARGUMENTS}=")])
            .arg(std::env::current_exe().unwrap())
            .args(THIS)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match activate {
            Ok(child) => child,
            Err(error) => {
                skipped(&format!("systemd-socket-activate cannot be run: {error}"));
                return;
            }
        };
        let mut has_ended = false;
        wait_for("the socket, or an end", || {
            has_ended = child.try_wait().unwrap().is_some();
            has_ended || socket.exists()
        });
        if !has_ended {
            break (child, port);
        }
        let is_taken = std::net::TcpListener::bind(("127.0.0.1", port)).is_err();
        assert!(is_taken, "systemd-socket-activate ended, and nobody took its port");
    };
    // The first connection starts the exporter, and is served.
    assert_eq!(get_unix(&socket, &get("/metrics")).status, 200);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    std::io::Write::write_all(&mut stream, get("/-/healthy").as_bytes()).unwrap();
    assert_eq!(client::Answer::read(&mut stream).status, 200);
    terminate(&child, "-TERM");
    assert!(child.wait().unwrap().success());
}

#[test]
fn version_help_and_wrong_arguments() {
    let program =
        |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_nixfleet-exporter")).args(arguments).output().unwrap();
    let version = program(&["--version"]);
    let said = String::from_utf8(version.stdout).unwrap();
    assert!(version.status.success() && said.starts_with("nixfleet-exporter 0.") && said.contains("rustc"), "{said}");
    for part in ["--web.listen-address", "Examples:", "19931", "--repo", "--collect.timeout"] {
        assert!(String::from_utf8(program(&["--help"]).stdout).unwrap().contains(part), "{part}");
    }
    let wrong = program(&["--web.listen-address", "localhost"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("is no address to listen on"));
}

//! `git daemon`.

use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::tcp::free_port;

/// A server of `git://`, until it is dropped.
pub struct GitDaemon {
    child: Child,
    port: u16,
}

impl GitDaemon {
    /// Serves the repositories under `root`.
    pub fn start(root: &Path) -> Self {
        for _ in 0..5 {
            let port = free_port();
            let mut child = Command::new("git")
                .args(["daemon", "--export-all", "--listen=127.0.0.1"])
                .arg(format!("--port={port}"))
                .arg(format!("--base-path={}", root.display()))
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .unwrap();
            let started = Instant::now();
            // It ends where another program took the port meanwhile.
            while child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { child, port };
                }
                assert!(started.elapsed() < Duration::from_mins(1), "git daemon does not listen");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        panic!("git daemon does not start");
    }

    pub fn url(&self) -> String {
        format!("git://127.0.0.1:{}/repository/.git", self.port)
    }
}

impl Drop for GitDaemon {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.child);
        kill_process_group(group, Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

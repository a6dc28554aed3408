//! The real `nixfleet`, in a home directory of its own.

#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "each test uses a part of it, and stops at what it did not expect"
)]

mod terminal;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
pub use terminal::Terminal;

pub const NIXFLEET: &str = env!("CARGO_BIN_EXE_nixfleet");

pub struct Home(TempDir);

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Home {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CACHE_DIRECTORY", "COLUMNS"] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.path())
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::null());
        command
    }

    pub fn nixfleet(&self, arguments: &[&str]) -> Ended {
        self.command(NIXFLEET).args(arguments).output().unwrap().into()
    }

    /// `nixfleet status --repo`, with more arguments.
    pub fn status(&self, repository: &Path, arguments: &[&str]) -> Ended {
        self.nixfleet(&[&["status", "--repo", repository.to_str().unwrap()], arguments].concat())
    }

    /// Runs a line of shell with `$NIXFLEET`.
    pub fn shell(&self, line: &str) -> Ended {
        self.command("sh").args(["-c", line]).env("NIXFLEET", NIXFLEET).output().unwrap().into()
    }

    /// Runs a line of shell with `$NIXFLEET` on a terminal of 24 rows, to its end.
    pub fn terminal(&self, columns: u16, line: &str) -> Ended {
        Terminal::start(self, columns, line).end()
    }
}

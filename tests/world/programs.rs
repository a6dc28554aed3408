//! The programs as they were built, started as a user starts them.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nixfleet_core::model::HostStatus;

use crate::git_server::ssh::SshServer;

/// What is said of a source that took too long.
pub const NO_ANSWER_YET: &str = "did not answer within";

/// The user that owns nothing.
pub const NOBODY: u32 = 65_534;

/// Where a program of this workspace was built.
pub fn program(name: &str) -> PathBuf {
    let mut directory = std::env::current_exe().unwrap();
    directory.pop();
    // Tests lie one directory deeper than programs.
    if directory.ends_with("deps") {
        directory.pop();
    }
    let path = directory.join(name);
    assert!(path.is_file(), "{} is missing: run `cargo build --workspace` first", path.display());
    path
}

/// Whether the tests run as root, who may read everything and become anybody.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A user's surroundings: a home of their own and nothing of the machine's configuration. Gone when dropped.
pub struct User {
    home: tempfile::TempDir,
    id: Option<u32>,
}

impl User {
    /// The user that runs the tests.
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), id: None }
    }

    /// Somebody without any right, where the tests run as root; else the user that runs them.
    pub fn nobody() -> Self {
        let user = Self { home: tempfile::tempdir().unwrap(), id: is_root().then_some(NOBODY) };
        if let Some(id) = user.id {
            std::os::unix::fs::chown(user.home(), Some(id), Some(id)).unwrap();
        }
        user
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts this program of the workspace.
    pub fn command(&self, name: &str) -> Command {
        let mut path = program(name);
        if let Some(id) = self.id {
            // The build's directory may be one that others cannot enter.
            let copy = self.home().join(name);
            if !copy.exists() {
                install(&path, &copy);
            }
            path = copy;
            let mut command = Command::new(path);
            command.uid(id).gid(id).current_dir("/");
            self.surround(&mut command);
            return command;
        }
        let mut command = Command::new(path);
        self.surround(&mut command);
        command
    }

    fn surround(&self, command: &mut Command) {
        for variable in ["XDG_CACHE_HOME", "CACHE_DIRECTORY", "NOTIFY_SOCKET", "LISTEN_FDS", "RUST_LOG", "NO_COLOR"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.home());
    }

    /// What `nixfleet status --json` prints of the host that these options name.
    ///
    /// On a machine under load a source may take longer than it waits for it, and it says so: that is no answer yet.
    pub fn nixfleet_status(&self, options: &[String]) -> Ended {
        let command = [&["status".to_owned(), "--json".to_owned()], options].concat();
        let is_answer = |ended: &Ended| !ended.stdout.contains(NO_ANSWER_YET);
        let mut tries = (0..20).map(|_| self.nixfleet(&command));
        let first = tries.next().unwrap();
        if is_answer(&first) { first } else { tries.find(is_answer).unwrap_or(first) }
    }

    /// Runs the `nixfleet` command to its end.
    pub fn nixfleet<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ended {
        let mut command = self.command("nixfleet");
        command.args(arguments);
        run(&mut command)
    }
}

/// Copies a program for everybody to run.
///
/// Another process does it: where this one wrote the file, a child that another thread starts meanwhile would hold it
/// open for writing, and the kernel runs no such program ("text file busy").
fn install(from: &Path, to: &Path) {
    let installed = Command::new("install").args(["-m", "755", "--"]).arg(from).arg(to).status().unwrap();
    assert!(installed.success(), "install {} {}", from.display(), to.display());
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended {
    pub exit_code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What `--json` printed.
    pub fn status(&self) -> HostStatus {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All that it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs it to its end, which must come within two minutes.
pub fn run(command: &mut Command) -> Ended {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{command:?}: {error}");
        });
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let said = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let complained = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > Duration::from_mins(2) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} does not end");
        }
        thread::sleep(Duration::from_millis(2));
    };
    Ended { exit_code: status.code(), stdout: said.join().unwrap(), stderr: complained.join().unwrap() }
}

/// An `ssh` in front of the machine's own, with a key and known hosts that are not the user's; gone when dropped.
///
/// OpenSSH takes its files from the home in the machine's list of users, whatever `$HOME` says.
pub struct Ssh {
    directory: tempfile::TempDir,
}

impl Ssh {
    pub fn new(known_hosts: &Path, key: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("ssh");
        let found = Command::new("sh").args(["-c", "command -v ssh"]).output().unwrap();
        let own = String::from_utf8(found.stdout).unwrap();
        let text = format!(
            "#!/bin/sh\n\
             # A key that the caller names is the only one.\n\
             case \"$*\" in *IdentityFile=*) key= ;; *) key='-i {key}' ;; esac\n\
             exec {own} -F none $key -o UserKnownHostsFile={known_hosts} \"$@\"\n",
            key = key.display(),
            own = own.trim(),
            known_hosts = known_hosts.display(),
        );
        let text_file = directory.path().join("ssh.text");
        std::fs::write(&text_file, text).unwrap();
        install(&text_file, &script);
        Self { directory }
    }

    /// The command finds this one first.
    pub fn before_others(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.directory.path().display()));
        command
    }
}

/// An `ssh` that knows this server, and is let in by it.
pub fn ssh_that_knows(server: &SshServer) -> Ssh {
    let known_hosts = server.known_hosts("known", &format!("* {}\n", server.host_key()));
    Ssh::new(&known_hosts, &server.user_key())
}

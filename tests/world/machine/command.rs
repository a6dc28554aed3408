//! Commands in a machine, each with a time limit.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Machine;

/// As NixOS has it: the programs of the running system first.
const PATH: &str = "/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin";
/// Never reached by what works, on a machine under load neither.
const LIMIT: Duration = Duration::from_mins(5);

/// What a command left.
#[derive(Debug, Clone)]
pub struct Output {
    /// None: ended by a signal. 124: it was still running at its time limit.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl Machine {
    /// Run a command as root; ended after five minutes, with code 124.
    pub fn run(&self, command: &[&str]) -> Output {
        self.run_as("root", command)
    }

    /// Run a command as this user, with their groups and home, without a login session.
    pub fn run_as(&self, user: &str, command: &[&str]) -> Output {
        self.run_within(LIMIT, user, command)
    }

    /// Run a command as this user; ended after this time, with code 124.
    pub fn run_within(&self, limit: Duration, user: &str, command: &[&str]) -> Output {
        // The limit is kept inside, where it ends the command itself; outside, only should that fail.
        output_within(self.command(limit, user, command), limit + Duration::from_mins(1))
    }

    /// The standard output, trimmed, of a command of root that must succeed.
    pub fn succeed(&self, command: &[&str]) -> String {
        self.succeed_as("root", command)
    }

    /// The standard output, trimmed, of a command of this user that must succeed.
    pub fn succeed_as(&self, user: &str, command: &[&str]) -> String {
        let output = self.run_as(user, command);
        let Output { code, stdout, stderr } = &output;
        assert!(output.success(), "{}: {command:?} of {user}: exit {code:?}\n{stdout}\n{stderr}", self.name());
        stdout.trim().to_owned()
    }

    /// Run lines of shell as root; they must succeed.
    pub fn shell(&self, script: &str) -> String {
        self.succeed(&["sh", "-euc", script])
    }

    /// Start a command in the background; it is ended after five minutes, or by a power loss.
    pub fn start(&self, user: &str, command: &[&str]) -> Child {
        let mut command = self.command(LIMIT, user, command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What the journal has of a unit, over all boots, messages only.
    pub fn journal(&self, unit: &str) -> String {
        self.succeed(&["journalctl", "--sync"]);
        self.succeed(&["journalctl", "--quiet", "--no-pager", "--output=cat", "--unit", unit])
    }

    /// Ask again and again until it is so; panics with the journal's end when it is not so within this time.
    pub fn wait_until(&self, what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
        let end = Instant::now() + limit;
        while !is_so() {
            if Instant::now() > end {
                let journal = self.run(&["journalctl", "--no-pager", "--boot", "--lines=100"]).stdout;
                panic!("{}: not within {} s: {what}\n{journal}", self.name(), limit.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn command(&self, limit: Duration, user: &str, command: &[&str]) -> Command {
        let mut nsenter = Command::new("nsenter");
        nsenter
            .args(["--target", &self.first_process().to_string(), "--all", "--"])
            .args(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--reset-env"])
            .args(["env", "LANG=C.UTF-8", &format!("PATH={PATH}")])
            .args(["timeout", "--kill-after=5", &limit.as_secs().to_string()])
            .args(command);
        nsenter
    }
}

/// Run a command to its end; panics when there is none within this time.
pub(super) fn output_within(mut command: Command, limit: Duration) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("not ended within {} s: {command:?}", limit.as_secs());
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Output { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

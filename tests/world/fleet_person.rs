//! A person who looks at a fleet and moves it: from this host, over real ssh, with a real Prometheus.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::{Machine, Network, Output};
use crate::programs::{Ssh, User};
use crate::prometheus::Prometheus;

const LIMIT: Duration = Duration::from_mins(4);

/// The person.
pub struct Person {
    pub user: User,
    ssh: Ssh,
    prometheus: Prometheus,
    _keys: tempfile::TempDir,
}

impl Person {
    /// Somebody whom all these machines let in as root, and who knows each by its key.
    pub fn let_in(machines: &[&Machine], network: &Network, prometheus: Prometheus) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ssh = keys(machines, network, directory.path());
        Self { user: User::new(), ssh, prometheus, _keys: directory }
    }

    /// `nixfleet`, with Prometheus and ssh as this person has them.
    pub fn nixfleet(&self, arguments: &[&str]) -> Command {
        let mut command = self.ssh.before_others(self.user.command("nixfleet"));
        command.args(arguments).env("NIXFLEET_PROMETHEUS_URL", self.prometheus.url()).stdin(Stdio::null());
        command
    }

    /// `nixfleet fleet`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.nixfleet(&[&["fleet"], arguments].concat())
    }

    pub fn fleet(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments))
    }

    /// The command has to end with this code.
    pub fn expect(&self, code: i32, arguments: &[&str]) -> Output {
        let output = self.fleet(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {}\n{}", output.stdout, output.stderr);
        output
    }

    pub fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let output = self.expect(code, &[arguments, &["--json"]].concat());
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// Moves the fleet, over ssh to the addresses that Prometheus scrapes: name, result and detail of each host.
    pub fn moved(&self, code: i32, arguments: &[&str]) -> Vec<(String, String, String)> {
        let told = self.json(code, &[arguments, &["--ssh", "root@{address}", "--yes"]].concat());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let hosts = told["hosts"].as_array().unwrap();
        hosts.iter().map(|it| (text(&it["name"]), text(&it["result"]), text(&it["detail"]))).collect()
    }

    /// What Prometheus has scraped shows this within a while.
    pub fn sees(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let output = self.fleet(&["status", "--json"]);
            let told: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
            if is_so(&told) {
                return told;
            }
            assert!(Instant::now() < end, "not within {LIMIT:?}: {what}: {told} {}", output.stderr);
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Prometheus shows these five letters of these hosts within a while.
    pub fn sees_states(&self, what: &str, expected: &[(&str, &str)]) -> Value {
        self.sees(&format!("{what}: {expected:?}"), |told| {
            told["hosts"].is_array() && expected.iter().all(|(name, states)| letters(told, name) == *states)
        })
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// `NAME RESULT` of each host that was moved, by name.
pub fn results(moved: &[(String, String, String)]) -> Vec<String> {
    let mut results: Vec<_> = moved.iter().map(|(name, result, _)| format!("{name} {result}")).collect();
    results.sort();
    results
}

/// One host of what `--json` told.
pub fn host<'a>(told: &'a Value, name: &str) -> &'a Value {
    let hosts = told["hosts"].as_array().unwrap();
    hosts.iter().find(|host| host["name"] == name).unwrap_or_else(|| panic!("no {name}: {told}"))
}

/// The five letters of a host; `?` for each where nothing is told of it.
fn letters(told: &Value, name: &str) -> String {
    let hosts = told["hosts"].as_array().unwrap();
    let host = hosts.iter().find(|host| host["name"] == name).unwrap_or(&Value::Null);
    let letter = |compartment: &str| match host["states"][compartment].as_str() {
        Some("ok") => 'G',
        Some("outdated") => 'Y',
        Some("error") => 'R',
        Some("working") => 'B',
        Some("unknown") => '-',
        _ => '?',
    };
    ["agent", "git", "lock", "system", "tests"].into_iter().map(letter).collect()
}

fn keys(machines: &[&Machine], network: &Network, directory: &Path) -> Ssh {
    let key = directory.join("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let mut known = String::new();
    for machine in machines {
        machine.write("/root/.ssh/authorized_keys", &public);
        machine.shell("ln -s /opt/nixfleet/bin/nixfleet /usr/local/bin/nixfleet");
        let of_host = machine.read("/etc/ssh/ssh_host_ed25519_key.pub");
        writeln!(known, "{} {}", network.address(machine.name()), of_host.trim()).unwrap();
    }
    let known_hosts = directory.join("known_hosts");
    std::fs::write(&known_hosts, known).unwrap();
    Ssh::new(&known_hosts, &key)
}

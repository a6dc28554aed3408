//! What stories ask of a host, step by step.

use std::time::{Duration, Instant};

use super::FleetHost;
use crate::exporter::Scrape;
use crate::machine::Machine;
use crate::programs::NO_ANSWER_YET;
use crate::table_of_states::row;

/// Long enough for a loaded machine; what is waited for takes a few seconds at most.
pub const LIMIT: Duration = Duration::from_mins(4);

/// How long a source may be asked again that took too long.
const PATIENCE: Duration = Duration::from_mins(1);

pub const AGENT: &str = "nixfleet-agent.service";

const METRICS: &str = "http://localhost:19931/metrics";

impl<'a> FleetHost<'a> {
    /// A host that runs what its repository asks for, with tests passed, and without an agent.
    pub fn settled(machine: &'a Machine) -> Self {
        let host = Self::install(machine);
        host.must("pull");
        host.must("switch");
        host.must("test");
        host.see("settled, but for the agent", "-GGGG");
        host
    }

    /// Writes the configuration with another address of the remote, more members of `repository`, and more of the whole.
    pub fn configure_remote(&self, url: &str, repository: &str, members: &str) {
        let repository = format!(r#"{{ "url": "{url}", "branch": "main"{repository} }}"#);
        let text = format!(r#"{{ "host": "web1", "repository": {repository}{members} }}"#);
        self.machine.write("/etc/nixfleet/config.json", text);
        // It reads the configuration when it starts; NixOS restarts it when the configuration changes.
        // So often within seconds it is a story's only.
        for verb in ["reset-failed", "try-restart"] {
            self.machine.run(&["systemctl", verb, "nixfleet-exporter.service"]);
        }
    }

    /// An operation that has to succeed.
    pub fn must(&self, operation: &str) {
        let started = self.systemctl_start(operation);
        assert!(started.success(), "{operation}: {}\n{}", started.stderr, self.journal(operation));
    }

    /// An operation that has to fail; what its unit wrote in all its runs.
    pub fn must_fail(&self, operation: &str) -> String {
        assert!(!self.start(operation), "{operation} succeeded: {}", self.journal(operation));
        self.journal(operation)
    }

    /// What the unit of an operation wrote, in all its runs.
    pub fn journal(&self, operation: &str) -> String {
        self.machine.journal(&format!("nixfleet-{operation}.service"))
    }

    /// Starts an operation and does not wait.
    pub fn begin(&self, operation: &str) {
        self.machine.succeed(&["systemctl", "start", "--no-block", &format!("nixfleet-{operation}.service")]);
    }

    /// A commit with these lines in the host's description, pulled; the commit.
    pub fn pulled_with(&self, lines: &str, message: &str) -> String {
        self.remote.set_host("web1", lines);
        let commit = self.remote.commit(message);
        self.must("pull");
        commit
    }

    /// Whether the running system is that of this commit, by its own word.
    pub fn runs(&self, commit: &str) -> bool {
        let version = self.machine.run(&["/run/current-system/sw/bin/nixos-version", "--json"]);
        version.success() && version.stdout.contains(commit)
    }

    /// What Prometheus would see now.
    pub fn scrape(&self) -> Scrape {
        let text = self.machine.succeed(&["curl", "--silent", "--show-error", "--fail", METRICS]);
        Scrape { status: 200, text }
    }

    /// A scrape in which each source could be read but for these.
    ///
    /// On a machine under load a source may take longer than the exporter waits for it, and the exporter says so: that is no
    /// answer yet.
    pub fn readable_scrape(&self, unreadable: &[&str]) -> Scrape {
        let mut scrape = self.scrape();
        let end = Instant::now() + PATIENCE;
        while scrape.unreadable() != unreadable && Instant::now() < end {
            scrape = self.scrape();
        }
        assert_eq!(scrape.unreadable(), unreadable, "{}", self.reasons());
        scrape
    }

    /// A scrape shows these states, all 25 series of them.
    ///
    /// On a machine under load a source may take longer than the exporter waits for it, and the exporter says so: that is no
    /// answer yet.
    pub fn see(&self, what: &str, states: &str) {
        let end = Instant::now() + PATIENCE;
        let mut scrape = self.scrape();
        while scrape.states() != states && !scrape.unreadable().is_empty() && Instant::now() < end {
            scrape = self.scrape();
        }
        assert_eq!(scrape.states(), states, "{what}: {:?}\n{}", scrape.unreadable(), self.reasons());
    }

    /// A scrape shows the states of this row of the table.
    pub fn row(&self, number: u32) {
        let (states, what) = row(number);
        self.see(&format!("row {number}: {what}"), states);
    }

    /// A scrape will show the states of this row of the table.
    pub fn will_be_row(&self, number: u32) {
        let (states, what) = row(number);
        self.wait_for(&format!("row {number}: {what}"), states);
    }

    /// A scrape will show these states.
    pub fn wait_for(&self, what: &str, states: &str) {
        let mut seen = String::new();
        let end = Instant::now() + LIMIT;
        while seen != states {
            assert!(Instant::now() < end, "{what}: {seen}, not {states}\n{}", self.reasons());
            seen = self.scrape().states();
        }
    }

    /// A scrape will show this letter for the compartment System.
    pub fn wait_for_system(&self, what: &str, letter: char) {
        self.machine.wait_until(what, LIMIT, || self.system() == letter);
    }

    /// The letter of the compartment System in a scrape.
    pub fn system(&self) -> char {
        self.readable_scrape(&[]).states().chars().nth(3).unwrap()
    }

    /// The reason of a compartment.
    pub fn reason(&self, compartment: &str) -> String {
        let status: serde_json::Value = serde_json::from_str(&self.status_json()).unwrap();
        status["compartments"][compartment]["reason"].as_str().unwrap().to_owned()
    }

    /// What `nixfleet status --json` prints.
    ///
    /// On a machine under load a source may take longer than it waits for it, and it says so: that is no answer yet.
    pub fn status_json(&self) -> String {
        let ask = || self.machine.succeed(&["/opt/nixfleet/bin/nixfleet", "status", "--json"]);
        let mut json = ask();
        let end = Instant::now() + PATIENCE;
        while json.contains(NO_ANSWER_YET) && Instant::now() < end {
            json = ask();
        }
        json
    }

    /// Waits until no unit of nixfleet's operations is busy.
    pub fn wait_until_idle(&self, operation: &str) {
        let unit = format!("nixfleet-{operation}.service");
        let show = ["systemctl", "show", "--property=ActiveState", "--value", &unit];
        self.machine
            .wait_until("the unit ended", LIMIT, || matches!(&*self.machine.succeed(&show), "inactive" | "failed"));
    }

    /// Starts the agent with what is configured now; it has looked at the remote when this returns.
    pub fn start_agent(&self) {
        let before = self.looks();
        self.machine.succeed(&["systemctl", "restart", AGENT]);
        self.look();
        assert!(self.looks() > before);
    }

    /// An agent that has nothing to do is asked once: what it starts because of that is not tried again when it fails.
    pub fn look_once(&self) {
        let before = self.looks();
        self.machine.succeed(&["systemctl", "reload", AGENT]);
        self.machine.wait_until("the agent has looked at the remote", LIMIT, || self.looks() > before);
    }

    /// The agent looks at the remote; it has its answer when this returns.
    ///
    /// It is asked twice. Each time is a person's wish to try again what failed, so a pull that fails may be tried twice.
    pub fn look(&self) {
        let machine = self.machine;
        // A look that is under way does not count: one that begins after it does.
        let before = self.looks();
        machine.wait_until("the agent can be asked", LIMIT, || machine.run(&["systemctl", "reload", AGENT]).success());
        machine.wait_until("the agent has looked at the remote", LIMIT, || self.looks() > before);
        let asked = self.looks();
        machine.succeed(&["systemctl", "reload", AGENT]);
        machine.wait_until("the agent has looked at the remote again", LIMIT, || self.looks() > asked);
    }

    /// How often the remote was looked at in this boot.
    fn looks(&self) -> u64 {
        let attempt = self.machine.try_read("/run/nixfleet/remote-attempt.json").unwrap_or_default();
        let attempt: serde_json::Value = serde_json::from_str(&attempt).unwrap_or_default();
        ["succeeded_total", "failed_total"].map(|count| attempt[count].as_u64().unwrap_or(0)).iter().sum()
    }

    /// Lets the time run out that systemd gives an operation, which is under way.
    ///
    /// systemd counts a new limit from the start of the unit, so that nothing has to be waited for, however long the
    /// operation took to get where it is.
    pub fn run_out_of_time(&self, operation: &str) {
        let drop_ins = format!("/etc/systemd/system/nixfleet-{operation}.service.d");
        self.machine.write(format!("{drop_ins}/limit.conf"), "[Service]\nTimeoutStartSec=1ms\n");
        self.machine.succeed(&["systemctl", "daemon-reload"]);
        self.wait_until_idle(operation);
        self.machine.shell(&format!("rm {drop_ins}/limit.conf; systemctl daemon-reload"));
    }

    /// Boots after a power loss, with what NixOS would have enabled.
    pub fn boot_again(&self) {
        self.machine.boot_again();
        self.machine.succeed(&["systemctl", "start", "nixfleet-exporter.socket"]);
    }

    fn reasons(&self) -> String {
        self.machine.run(&["/opt/nixfleet/bin/nixfleet", "status"]).stdout
    }
}

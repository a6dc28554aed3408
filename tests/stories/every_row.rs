//! The table of states on real hosts: what happens on a machine, with a real agent, and what a scrape shows then. Each row
//! that needs a host is met; the last test looks for that.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use jiff::Timestamp;
use nixfleet_core::observation::{PullRequest, PullRequestList, PullRequestStatus};
use nixfleet_core::state_directory::StateDirectory;
use world::fleet_host::{AGENT, FleetHost, LIMIT};
use world::machine::{Image, Machine};

/// The agent looks when it is told to, and leaves all decisions to the story.
const BY_HAND: &str = r#", "agent": { "interval_seconds": 3600, "policy": { "test_after_switch": false } }"#;

const REMOTE: &str = "ssh://web1/srv/configuration";

/// A host whose parts wait, or fail, as long as a file in `/run` says so.
struct Host<'a> {
    fleet: FleetHost<'a>,
    machine: &'a Machine,
}

impl<'a> Host<'a> {
    /// Row 1: all is current, with an agent that lives.
    fn settled(machine: &'a Machine) -> Self {
        let host = Self::installed(machine);
        for operation in ["pull", "switch", "test"] {
            host.fleet.must(operation);
        }
        host.fleet.start_agent();
        host.fleet.row(1);
        host
    }

    /// With nixfleet, and nothing done yet.
    fn installed(machine: &'a Machine) -> Self {
        // What nixfleet reaches a remote with.
        let ssh = format!("#!/bin/sh\n{}\nexec git-upload-pack /srv/configuration\n", held("remote"));
        machine.write_executable("/usr/local/bin/ssh", ssh);
        let host = Self { fleet: FleetHost::install(machine), machine };
        host.fleet.configure_remote(REMOTE, "", BY_HAND);
        host.fleet.remote.set_test(
            "web1",
            "10-passes",
            &format!("#!/bin/sh\n{}\n[ ! -e /run/fail-test ]\n", held("test")),
        );
        host.push("the beginning");
        host
    }

    /// A commit that changes the system, known to the agent; its id.
    fn push(&self, message: &str) -> String {
        let commit = self.commit(message, "");
        if self.machine.run(&["systemctl", "is-active", AGENT]).success() {
            self.fleet.look();
        }
        commit
    }

    /// The same with more lines of the host's configuration.
    fn commit(&self, message: &str, lines: &str) -> String {
        let check = format!("{}; [ ! -e /run/fail-switch ]", held("switch"));
        let lines = format!("  etc.\"message\" = \"{message}\";\n  preSwitchCheck = \"{check}\";\n{lines}");
        self.fleet.remote.set_host("web1", &lines);
        self.fleet.remote.commit(message)
    }

    /// The update of flake.lock is merged, and the agent sees it.
    fn merge_update(&self, release: &str) {
        self.fleet.remote.release_nixpkgs(release);
        self.fleet.remote.update_lock();
        self.fleet.remote.commit("flake.lock: update");
        self.fleet.look();
    }

    /// A commit is pushed, pulled and deployed.
    fn deploy(&self, message: &str) {
        self.push(message);
        self.fleet.must("pull");
        self.fleet.must("switch");
    }

    fn set(&self, what: &str) {
        self.machine.write(format!("/run/{what}"), "");
    }

    fn unset(&self, what: &str) {
        self.machine.succeed(&["rm", &format!("/run/{what}")]);
    }

    /// An operation that is held in the middle.
    fn begin_held(&self, operation: &str, by: &str) {
        self.set(&format!("hold-{by}"));
        let known = self.fleet.journal_runs().len();
        self.fleet.begin(operation);
        let part = match operation {
            "pull" => Some("fetch"),
            "switch" | "rollback" => Some("activation"),
            _ => None,
        };
        self.machine.wait_until(&format!("{operation} began"), LIMIT, || {
            let runs = self.fleet.journal_runs();
            runs.get(known).is_some_and(|run| part.is_none_or(|part| run.phases.iter().any(|phase| phase == part)))
        });
    }

    /// … and now goes on to its end.
    fn let_go(&self, operation: &str, by: &str) {
        self.unset(&format!("hold-{by}"));
        self.fleet.wait_until_idle(operation);
    }

    fn stop(&self, operation: &str, by: &str) {
        self.machine.succeed(&["systemctl", "stop", &format!("nixfleet-{operation}.service")]);
        self.unset(&format!("hold-{by}"));
    }

    /// As the agent records what the forge answers.
    fn forge_answers(&self, open: Vec<PullRequest>, error: Option<&str>) {
        let directory = tempfile::tempdir().unwrap();
        let list = PullRequestList { observed_at: Timestamp::now(), remote_url: None, open };
        let status = PullRequestStatus { last_good: Some(list), error: error.map(str::to_owned) };
        StateDirectory::new(directory.path()).write_pull_requests(&status).unwrap();
        let text = std::fs::read(directory.path().join("pull-request.json")).unwrap();
        self.machine.write("/var/lib/nixfleet/pull-request.json", text);
    }
}

/// Lines of shell that wait as long as the file is there.
fn held(by: &str) -> String {
    format!("while [ -e /run/hold-{by} ]; do sleep 0.05; done")
}

fn update_pull_request() -> PullRequest {
    PullRequest {
        number: 7,
        url: "https://example.org/fleet/pull/7".to_owned(),
        title: "flake.lock: update".to_owned(),
        opened_at: Timestamp::now(),
        author: None,
        head_revision: None,
    }
}

#[test]
fn the_weekly_update() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = Host::settled(&machine);
    let fleet = &host.fleet;

    host.forge_answers(vec![update_pull_request()], None);
    fleet.row(11);
    assert!(fleet.reason("lock").contains("PR #7 pending"), "{}", fleet.reason("lock"));
    host.forge_answers(Vec::new(), None);
    host.merge_update("26.05.20251201.toy");
    fleet.row(12);
    host.begin_held("pull", "remote");
    fleet.row(13);
    host.let_go("pull", "remote");
    fleet.row(14);
    host.begin_held("switch", "switch");
    fleet.row(15);
    host.let_go("switch", "switch");
    fleet.row(4);
    host.begin_held("test", "test");
    fleet.row(16);
    host.let_go("test", "test");
    fleet.row(17);
    assert_eq!(machine.succeed(&["/run/current-system/sw/bin/nixos-version"]), "26.05.20251201.toy (Toy)");

    host.forge_answers(Vec::new(), Some("the forge answered 502"));
    fleet.row(46);
    assert!(fleet.reason("lock").contains("502"), "{}", fleet.reason("lock"));
}

#[test]
fn a_pull_and_what_the_remote_does() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = Host::settled(&machine);
    let fleet = &host.fleet;

    host.begin_held("pull", "remote");
    fleet.row(9);
    host.let_go("pull", "remote");
    fleet.row(27);
    fleet.must("pull");
    fleet.row(27);

    host.push("new");
    fleet.row(2);
    // A file that somebody edited on the host, and that the commit changes, too.
    let edited = "/var/lib/nixfleet/repo/hosts/web1/default.nix";
    machine.shell(&format!("echo '# mine' >>{edited}"));
    assert!(fleet.must_fail("pull").contains("has local changes that"));
    fleet.row(28);
    assert!(machine.read(edited).ends_with("# mine\n"), "what a person wrote is kept");
    let reason = fleet.reason("git");
    assert!(reason.contains("hosts/web1/default.nix") && reason.contains("commit and push them"), "{reason}");
    machine.succeed_as("nixfleet", &["git", "-C", "/var/lib/nixfleet/repo", "restore", "."]);
    fleet.must("pull");
    fleet.row(3);
    fleet.must("switch");
    fleet.row(4);
    fleet.must("test");
    fleet.row(17);

    // The lock was edited on the host.
    machine.shell("echo >>/var/lib/nixfleet/repo/flake.lock");
    fleet.row(5);
    machine.succeed_as("nixfleet", &["git", "-C", "/var/lib/nixfleet/repo", "restore", "."]);
    fleet.row(1);

    // The remote's commit loses the lock.
    fleet.remote.git(&["rm", "--quiet", "flake.lock"]);
    fleet.remote.commit("no lock");
    fleet.look();
    fleet.row(25);
    fleet.remote.git(&["revert", "--no-edit", "HEAD"]);
    fleet.look();
    fleet.row(2);
    fleet.must("pull");
    fleet.must("switch");
    fleet.must("test");

    // The remote goes away, for less and for more than the grace.
    machine.shell("mv /srv/configuration /srv/away");
    fleet.look();
    fleet.row(23);
    let grace = format!(r#"{BY_HAND}, "remote": {{ "grace_tries": 2, "grace_seconds": 0 }}"#);
    fleet.configure_remote(REMOTE, "", &grace);
    fleet.look();
    fleet.row(24);
    machine.shell("mv /srv/away /srv/configuration");
    fleet.look();
    fleet.row(1);

    // A commit of the host's own, deployed by hand.
    let commit =
        ["git", "-C", "/var/lib/nixfleet/repo", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit"];
    machine.succeed_as("nixfleet", &[&commit[..], &["--quiet", "--allow-empty", "--message", "local"]].concat());
    fleet.must("switch");
    fleet.must("test");
    fleet.row(45);
}

#[test]
fn a_switch_that_does_not_end_well() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = Host::settled(&machine);
    let fleet = &host.fleet;

    host.push("one");
    fleet.must("pull");
    fleet.row(3);
    host.begin_held("switch", "switch");
    fleet.row(15);
    host.stop("switch", "switch");
    fleet.row(34);

    host.begin_held("switch", "switch");
    fleet.run_out_of_time("switch");
    host.unset("hold-switch");
    fleet.row(33);
    let reason = fleet.reason("system");
    assert!(reason.contains("it took longer than its unit allows"), "{reason}: {}", fleet.journal("switch"));

    host.set("fail-switch");
    fleet.must_fail("switch");
    host.unset("fail-switch");
    fleet.row(7);
    host.push("a fix");
    fleet.row(29);
    fleet.must("pull");
    fleet.row(30);
    fleet.must("switch");
    fleet.row(31);
    fleet.must("test");
    fleet.row(17);

    host.commit("activation fails", "  activation = \"false\";");
    fleet.must("pull");
    fleet.must_fail("switch");
    fleet.row(32);
    assert!(fleet.reason("system").contains("the new system runs all the same"), "{}", fleet.reason("system"));
    host.deploy("repaired");
    fleet.row(31);

    // A person switches to another commit behind nixfleet's back.
    fleet.must("test");
    let other = host.commit("by hand", "");
    let system = fleet.remote.build(&other, "web1");
    fleet.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    machine.succeed(&["nixos-rebuild", "switch", "--store-path", &system]);
    fleet.row(44);
    assert_eq!(fleet.scrape().value("nixfleet_system_changed_outside"), Some(1.0));
    assert!(fleet.reason("system").contains("changed outside of nixfleet"), "{}", fleet.reason("system"));
    host.deploy("the next commit");
    fleet.row(4);
    assert_eq!(fleet.scrape().value("nixfleet_system_changed_outside"), Some(0.0), "healed");
}

#[test]
fn tests_and_the_way_back() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = Host::settled(&machine);
    let fleet = &host.fleet;

    host.deploy("never tested");
    host.deploy("tested");
    host.begin_held("test", "test");
    fleet.row(16);
    host.stop("test", "test");
    fleet.row(40);
    fleet.must("test");
    fleet.row(17);
    // Also where the tests of this very system had passed before.
    host.begin_held("test", "test");
    host.stop("test", "test");
    fleet.row(40);
    host.set("fail-test");
    fleet.must_fail("test");
    fleet.row(8);

    host.set("fail-switch");
    fleet.must_fail("rollback");
    host.unset("fail-switch");
    fleet.row(38);
    fleet.must("switch");
    fleet.must_fail("test");
    fleet.row(8);
    host.begin_held("rollback", "switch");
    fleet.row(35);
    host.let_go("rollback", "switch");
    fleet.row(36);
    assert_eq!(fleet.scrape().value("nixfleet_system_rollback_held"), Some(1.0));
    host.push("a fix");
    fleet.must("pull");
    fleet.row(37);
    fleet.must("switch");
    fleet.must_fail("test");
    fleet.row(8);
    host.push("another fix");
    fleet.must("pull");
    fleet.row(41);
    fleet.must("switch");

    host.merge_update("26.05.20251201.toy");
    fleet.must("pull");
    fleet.must("switch");
    fleet.must_fail("test");
    fleet.row(8);
    fleet.remote.git(&["revert", "--no-edit", "HEAD"]);
    fleet.look();
    fleet.row(42);
    fleet.must("pull");
    fleet.must("switch");
    host.unset("fail-test");
    fleet.must("test");
    fleet.row(17);

    let disabled = format!(r#"{BY_HAND}, "tests": {{ "enable": false }}"#);
    fleet.configure_remote(REMOTE, "", &disabled);
    fleet.row(39);
    fleet.configure_remote(REMOTE, "", BY_HAND);
    fleet.remote.git(&["rm", "--quiet", "-r", "hosts/web1/tests"]);
    host.deploy("no tests");
    fleet.row(39);
}

#[test]
fn the_agent() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = Host::installed(&machine);
    let fleet = &host.fleet;
    fleet.row(18);

    // The first start, on a system that somebody else made.
    fleet.start_agent();
    let commit = fleet.remote.git(&["rev-parse", "HEAD"]);
    fleet.must("pull");
    fleet.row(21);
    let system = fleet.remote.build(&commit, "web1");
    machine.succeed(&["nixos-rebuild", "switch", "--store-path", &system]);
    fleet.row(22);
    fleet.must("test");
    fleet.row(1);

    // An agent of another version runs: the same program with another number in it.
    let program = "/opt/nixfleet/bin/nixfleet-agent";
    let (version, older) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_VERSION").replace(|_: char| true, "9"));
    let old = "/opt/older/bin/nixfleet-agent";
    machine.shell(&format!(
        "mkdir -p /opt/older/bin; LC_ALL=C sed 's/{}/{older}/g' {program} >{old}; chmod 755 {old}",
        version.replace('.', "\\.")
    ));
    let unit = machine.read("/etc/systemd/system/nixfleet-agent.service");
    machine.write("/etc/systemd/system/nixfleet-agent.service", unit.replace(program, old));
    machine.succeed(&["systemctl", "daemon-reload"]);
    fleet.start_agent();
    fleet.row(6);
    assert!(fleet.reason("agent").contains(&format!("runs version {older}")), "{}", fleet.reason("agent"));

    // The switch brings the unit with the new one, and the old one gives way by itself.
    let process = || machine.succeed(&["systemctl", "show", "--property=MainPID", "--value", AGENT]);
    let before = process();
    let escaped = unit.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace("${", "\\${");
    host.commit("a new agent", &format!("  units.\"nixfleet-agent.service\" = \"{escaped}\";"));
    machine.succeed(&["rm", "/etc/systemd/system/nixfleet-agent.service"]);
    fleet.must("pull");
    fleet.must("switch");
    fleet.will_be_row(43);
    assert_ne!(process(), before);
    fleet.must("test");
    fleet.row(1);

    // All at once.
    host.set("fail-switch");
    host.set("fail-test");
    host.push("one");
    fleet.must("pull");
    fleet.must_fail("switch");
    fleet.must_fail("test");
    let grace = format!(r#"{BY_HAND}, "remote": {{ "grace_tries": 2, "grace_seconds": 0 }}"#);
    fleet.configure_remote(REMOTE, "", &grace);
    machine.shell("mv /srv/configuration /srv/away");
    fleet.look();
    fleet.row(26);
    machine.shell("mv /srv/away /srv/configuration");
    host.merge_update("26.05.20251201.toy");
    let agent = "/run/nixfleet/agent.json";
    machine.succeed(&["systemctl", "stop", AGENT]);
    machine.write(agent, machine.read(agent).replace(version, &older));
    fleet.row(10);
    host.unset("fail-switch");
    host.unset("fail-test");
    fleet.must("switch");
    fleet.must("test");

    // Silent since long: what is older than its deadline by the time in it.
    let silent = r#", "agent": { "heartbeat_deadline_seconds": 1 }"#;
    fleet.configure_remote(REMOTE, "", silent);
    machine.wait_until("the deadline is over", LIMIT, || fleet.scrape().states().starts_with('-'));
    fleet.row(20);
    fleet.must("pull");
    fleet.must("switch");
    fleet.must("test");
    fleet.row(19);
}

/// Those that a host is needed for, after what the project is to prove, and all others that were met on the way.
#[test]
fn every_row_that_needs_a_host_is_met() {
    let story = include_str!("every_row.rs");
    let met =
        |number: u32| ["row", "will_be_row"].iter().any(|call| story.contains(&format!("fleet.{call}({number});")));
    let missing: Vec<u32> =
        world::table_of_states::ROWS.iter().map(|row| row.0).filter(|number| !met(*number)).collect();
    assert_eq!(missing, [0; 0], "no story meets these rows");
}

//! The edge of root: what the user who builds may write, and what root makes of it; and moments in which things are gone
//! that root still needs.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{AGENT, FleetHost, LIMIT};
use world::machine::{Image, Machine};

const SWITCH: &str = "nixfleet-switch.service";
const JOURNAL: &str = "/var/lib/nixfleet/journal.jsonl";
const LIE: &str = "/var/lib/nixfleet/lie";

/// From now on something of the user nixfleet runs between the build and the activation of each switch.
fn with_a_liar(machine: &Machine) {
    let agent = "/opt/nixfleet/bin/nixfleet-agent --unit %n";
    let steps = format!("ExecStart=\nExecStart={agent} build\nExecStart={LIE}\nExecStart=+{agent} activate\n");
    machine.write("/etc/systemd/system/nixfleet-switch.service.d/lie.conf", format!("[Service]\n{steps}"));
    machine.succeed(&["systemctl", "daemon-reload"]);
}

/// A line of the journal that says that this run built something else.
fn says_it_built(machine: &Machine, store_path: &str, revision: &str) {
    let entry = format!(
        r#"{{"version":1,"event":"progress","invocation_id":"%s","at":"2025-01-01T00:00:00Z","phase":"build","revision":"{revision}","store_path":"{store_path}"}}"#
    );
    machine.write_executable(LIE, format!("#!/bin/sh\nprintf '{entry}\\n' \"$INVOCATION_ID\" >>{JOURNAL}\n"));
}

#[test]
fn root_activates_nothing_but_what_was_asked_for() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let before = host.running_system().unwrap();
    let old = host.remote.git(&["rev-parse", "HEAD"]);
    let commit = host.pulled_with("  etc.\"number\" = \"1\";", "one");
    with_a_liar(&machine);

    // In the store, with all that a system has, and not of Nix: as a build that got out of its sandbox may leave it.
    let program = "#!/bin/sh\ntouch /run/was-here\n";
    machine.write_executable("/nix/store/00000000000000000000000000000000-evil/bin/switch-to-configuration", program);
    machine.write("/nix/store/00000000000000000000000000000000-evil/nixos-version", "25.05");
    // Known to Nix, and no system; everybody may add such a path.
    let add = |name: &str, script: &str| {
        let directory = format!("/tmp/{name}");
        machine.succeed_as("nixfleet", &["sh", "-euc", &format!("mkdir -p {directory}/bin; cd {directory}; {script}")]);
        machine.succeed_as("nixfleet", &["nix-store", "--add", &directory])
    };
    machine.write_executable("/home/alice/evil", program);
    machine.shell("chmod 755 /home/alice");
    let no_version =
        add("no-version", "printf '#!/bin/sh\\ntouch /run/was-here\\n' >bin/switch-to-configuration; chmod 755 bin/*");
    let outside = add("outside", "echo 25.05 >nixos-version; ln -s /home/alice/evil bin/switch-to-configuration");
    let another = host.running_system().unwrap();
    for (store_path, revision, expected) in [
        ("/nix/store/00000000000000000000000000000000-evil", &commit, "is not known to Nix"),
        (&no_version, &commit, "has no nixos-version, so it is no NixOS system"),
        (&outside, &commit, "lies outside of the store, at /home/alice/evil"),
        // A good system, of another commit than the one that the host says it is at.
        (&another, &commit, &format!("says that it is of the commit {}, and {} was to be", &old[..7], &commit[..7])),
    ] {
        says_it_built(&machine, store_path, revision);
        host.must_fail("switch");
        let reason = host.reason("system");
        assert!(reason.contains(expected) && reason.contains("nothing was changed"), "{store_path}: {reason}");
        assert_eq!(host.running_system().unwrap(), before);
        assert!(!machine.exists("/run/was-here"), "{store_path}: something ran as root");
    }

    // A second name of a file of root's, in the journal's place. Where the kernel protects such files, it is not even made.
    machine.write_executable(LIE, "#!/bin/sh\nexit 0\n");
    machine.shell("mv /var/lib/nixfleet/journal.jsonl /var/lib/nixfleet/kept; echo mine >/var/lib/nixfleet/secret; \
                   ln /var/lib/nixfleet/secret /var/lib/nixfleet/journal.jsonl; chown nixfleet /var/lib/nixfleet/secret");
    let said = host.must_fail("switch");
    assert!(said.contains("journal.jsonl is a file with more than one name (a hard link)"), "{said}");
    assert_eq!(machine.read("/var/lib/nixfleet/secret"), "mine\n");
    machine.shell("mv --force /var/lib/nixfleet/kept /var/lib/nixfleet/journal.jsonl");

    machine.shell("rm /etc/systemd/system/nixfleet-switch.service.d/lie.conf; systemctl daemon-reload");
    host.must("switch");
    assert!(host.runs(&commit));
    assert_eq!(machine.shell("ls -A /nix/var/nix/gcroots/nixfleet"), "", "nothing is kept any more");
}

#[test]
fn what_a_switch_falls_back_to_is_not_collected_as_garbage() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    // Somebody tries a system: it runs, and is no generation.
    host.remote.set_host("web1", "  etc.\"number\" = \"1\";");
    let tried = host.remote.build(&host.remote.commit("tried"), "web1");
    machine.succeed(&[&format!("{tried}/bin/switch-to-configuration"), "test"]);
    assert_eq!(host.running_system().as_deref(), Some(&*tried));
    machine.shell("find /tmp /home -name result -type l -delete 2>/dev/null; true");

    host.configure(
        r#", "confirm": { "enable": true, "timeout_seconds": 600, "command": ["test", "-e", "/run/confirmed"] }"#,
    );
    host.pulled_with("  etc.\"number\" = \"2\";", "two");
    host.begin("switch");
    machine.wait_until("it waits", LIMIT, || host.reason("system").ends_with(": confirmation"));
    machine.succeed(&["nix-collect-garbage"]);
    assert!(machine.exists(&tried), "it is what comes back");

    // Who writes the journal cannot make root go back to anything else: only what ran here comes back.
    let id = host.last_run("switch").invocation_id;
    let now = host.running_system().unwrap();
    let other = host.remote.build(&host.remote.git(&["rev-parse", "HEAD~2"]), "web1");
    let foreign = {
        machine.shell(&format!(
            "cp --recursive --no-preserve=ownership {other} /tmp/foreign && chmod -R u+w /tmp/foreign"
        ));
        machine.succeed(&["nix-store", "--add", "/tmp/foreign"])
    };
    machine.write_executable(
        LIE,
        format!(
            "#!/bin/sh\necho '{{\"version\":1,\"event\":\"progress\",\"invocation_id\":\"{id}\",\"at\":\"2025-01-01T00:00:00Z\",\"phase\":\"confirmation\",\"store_path\":\"{now}\",\"falls_back_to\":\"{foreign}\"}}' >>{JOURNAL}\n"
        ),
    );
    machine.succeed_as("nixfleet", &[LIE]);
    machine.succeed(&["systemctl", "stop", SWITCH]);
    host.wait_until_idle("switch");
    assert_eq!(host.running_system().unwrap(), now, "{}", machine.journal(SWITCH));
    assert!(
        machine.journal(SWITCH).contains("never ran on this host, as far as root knows"),
        "{}",
        machine.journal(SWITCH)
    );

    // Without the lie it comes back.
    machine.succeed(&[&format!("{tried}/bin/switch-to-configuration"), "test"]);
    host.begin("switch");
    machine.wait_until("it waits again", LIMIT, || host.reason("system").ends_with(": confirmation"));
    machine.succeed(&["nix-collect-garbage"]);
    machine.succeed(&["systemctl", "stop", SWITCH]);
    host.wait_until_idle("switch");
    assert_eq!(host.running_system().as_deref(), Some(&*tried), "{}", machine.journal(SWITCH));
    assert_eq!(machine.shell("ls -A /nix/var/nix/gcroots/nixfleet"), "", "nothing is kept any more");

    // Nothing else had kept it.
    host.configure("");
    host.must("switch");
    machine.succeed(&["nix-collect-garbage"]);
    assert!(!machine.exists(&tried));
}

#[test]
fn a_failed_unit_is_named_and_the_agent_told_apart() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let unit = "\"[Service]\\nType=oneshot\\nExecStart=/bin/false\\n\"";
    host.pulled_with(&format!("  units.\"broken.service\" = {unit};"), "broken");
    host.must_fail("switch");
    let reason = host.reason("system");
    assert!(reason.contains("a unit failed: broken.service; the new system runs all the same"), "{reason}");

    // The agent is killed at the very end, and waits to be started again.
    machine
        .write("/etc/systemd/system/nixfleet-agent.service.d/slow.conf", "[Service]\nRestartSec=6s\nRestartSteps=0\n");
    machine.succeed(&["systemctl", "daemon-reload"]);
    machine.succeed(&["systemctl", "start", AGENT]);
    let kill = "systemctl kill --signal=KILL nixfleet-agent.service; sleep 1";
    host.pulled_with(&format!("  activation = \"{kill}\";"), "kills the agent");
    host.must_fail("switch");
    let reason = host.reason("system");
    assert!(reason.contains("a unit failed: nixfleet-agent.service, and no other"), "{reason}");
    assert!(reason.contains("runs again; the new system runs all the same"), "{reason}");
    assert_eq!(machine.succeed(&["systemctl", "is-active", AGENT]), "active");
}

#[test]
fn nobody_is_too_quick() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    for operation in ["pull", "switch", "rollback@1"] {
        for number in 0..8 {
            assert!(host.start(operation), "{operation} {number}: {}", host.journal(operation));
        }
    }
}

#[test]
fn what_nix_says_is_recorded_without_secrets() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let words = "cannot fetch https://alice:hunter2@example.org/x.git with access-tokens = github.com=hunter3";
    host.pulled_with(&format!("  etc.\"number\" = throw \"{words}\";"), "says too much");
    let said = host.must_fail("switch");
    let reason = host.reason("system");
    assert!(reason.contains("cannot fetch https://example.org/x.git with access-tokens = ***"), "{reason}");
    for text in [said, machine.read(JOURNAL)] {
        assert!(!text.contains("hunter"), "{text}");
    }
}

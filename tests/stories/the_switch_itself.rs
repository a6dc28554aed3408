//! A switch that changes the units which run it, one that asks for a reboot, one that an inhibitor refuses, one that claims
//! to have succeeded, and the action `test`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{AGENT, FleetHost, LIMIT};
use world::machine::{Image, Machine};

const SWITCH: &str = "nixfleet-switch.service";
const OWN_UNITS: [&str; 5] = ["agent", "pull", "switch", "test", "rollback"];

/// Lines of a host's description with nixfleet's own units, as its NixOS module brings them, and one line more in each.
fn own_units(texts: &[(String, String)], more: &str) -> String {
    let line = |(name, text): &(String, String)| {
        let text = text.replace("[Service]\n", &format!("[Service]\nEnvironment=NUMBER={more}\n"));
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace("${", "\\${");
        format!("  units.\"{name}\" = \"{escaped}\";\n")
    };
    // An operation is started by somebody, and wanted by nothing.
    let manual = texts.iter().filter(|(name, _)| name != AGENT).map(|(name, _)| format!(" \"{name}\""));
    format!("{}  manualUnits = [{} ];\n", texts.iter().map(line).collect::<String>(), manual.collect::<String>())
}

#[test]
fn it_changes_the_units_that_run_it() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let texts = OWN_UNITS.map(|name| {
        let name = format!("nixfleet-{name}.service");
        let text = machine.read(format!("/etc/systemd/system/{name}"));
        (name, text)
    });
    host.start_agent();
    host.row(1);
    for more in ["one", "two"] {
        let agent = || machine.succeed(&["systemctl", "show", "--property=MainPID", "--value", AGENT]);
        let before = agent();
        let commit = host.pulled_with(&own_units(&texts, more), more);
        host.must("switch");
        assert!(host.runs(&commit), "{more}");
        assert_eq!(host.last_run("switch").results, ["success"], "{more}");
        assert!(machine.succeed(&["systemctl", "show", "--property=Environment", SWITCH]).contains(more));
        assert_eq!(agent(), before, "{more}: the agent is not touched by a switch");
        host.wait_for(more, "GGGGG");
    }
    // Back, with the unit that the rollback changes, too.
    host.must("rollback");
    assert_eq!(host.last_run("rollback").results, ["success"]);
    host.wait_for("row 36, tested", "GGGGG");
}

#[test]
fn it_asks_for_a_reboot_or_is_refused() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    host.remote.set_host("web1", "  inhibitors.dbus = \"1\";");
    let first = host.remote.commit("one");
    for operation in ["pull", "switch", "test"] {
        host.must(operation);
    }
    host.configure(r#", "agent": { "interval_seconds": 3600, "policy": { "pull": "on", "switch": "on" } }"#);
    host.start_agent();
    host.row(1);
    assert!(host.runs(&first));
    let fails_once = |lines: &str, words: &[&str]| {
        host.remote.set_host("web1", lines);
        let commit = host.remote.commit(&lines.replace('"', "'"));
        machine.succeed(&["systemctl", "reload", AGENT]);
        machine.wait_until("the switch ended", LIMIT, || {
            let run = host.last_run("switch");
            run.results == ["failed"] && run.detail.contains(words[0])
        });
        host.wait_until_idle("switch");
        host.row(7);
        assert!(host.runs(&first), "{lines}");
        let reason = host.reason("system");
        assert!(words.iter().all(|words| reason.contains(words)), "{lines}: {reason}");
        let runs = host.journal_runs().len();
        host.look();
        host.look();
        assert_eq!(host.journal_runs().len(), runs, "it is not tried again and again");
        commit
    };
    let inhibited = [
        "the pre-switch check 'switchInhibitors' refused it: There are changes to critical components of the system",
        "nothing was activated and the boot loader is as it was",
        "the profile names the new system already",
    ];
    fails_once("  inhibitors.dbus = \"2\";", &inhibited);
    // systemd cannot be replaced while it runs: the boot loader is installed, and nothing else.
    let lines = "  inhibitors.dbus = \"1\";\n  initInterfaceVersion = \"systemd 3\";";
    let words = ["a reboot is needed", "the previous system runs, and the new one is the next boot's default"];
    let commit = fails_once(lines, &words);
    machine.shut_down();
    host.boot_again();
    assert!(host.runs(&commit));
    machine.succeed(&["systemctl", "start", AGENT]);
    host.wait_for("after the reboot it is what was asked for, and not tested", "GGGGY");
    host.must("test");
    host.wait_for("and well", "GGGGG");
}

#[test]
fn it_lasts_until_the_next_boot() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let first = host.running_system();
    let boots = || {
        let profile = machine.succeed(&["readlink", "--canonicalize", "/nix/var/nix/profiles/system"]);
        assert_eq!(machine.link_target("/boot/default-system").as_ref(), Some(&profile));
        Some(profile)
    };
    let with_action = |action: &str| {
        let activate = format!("/opt/nixfleet/bin/nixfleet-agent --unit %n activate --action {action}");
        let build = "/opt/nixfleet/bin/nixfleet-agent --unit %n build";
        let drop_in = format!("[Service]\nExecStart=\nExecStart={build}\nExecStart=+{activate}\n");
        machine.write(format!("/etc/systemd/system/{SWITCH}.d/action.conf"), drop_in);
        machine.succeed(&["systemctl", "daemon-reload"]);
    };
    with_action("test");
    let commit = host.pulled_with("  etc.\"number\" = \"1\";", "test");
    host.must("switch");
    assert!(host.runs(&commit));
    assert_eq!(boots(), first, "a reboot brings the former one");
    host.see("it runs", "-GGGY");
    machine.shut_down();
    host.boot_again();
    assert_eq!(host.running_system(), first);
    assert_eq!(host.system(), 'Y', "{}", host.reason("system"));

    with_action("boot");
    host.must("switch");
    assert_eq!(host.running_system(), first, "until the next boot");
    assert_ne!(boots(), first);
    assert!(host.reason("system").contains(&format!("{} starts at the next boot (generation ", &commit[..7])));
    host.see("it starts at the next boot", "-GGYG");
    assert_eq!(host.scrape().value("nixfleet_system_changed_outside"), Some(0.0));
    // Neither another switch, nor a rollback, nor tests of what runs.
    let policy = r#""pull": "on", "switch": "on", "test_after_switch": true, "rollback_when_tests_fail": true"#;
    host.configure(&format!(r#", "agent": {{ "interval_seconds": 3600, "policy": {{ {policy} }} }}"#));
    let runs = host.journal_runs().len();
    host.start_agent();
    host.look();
    host.look();
    host.wait_for("it waits for the boot", "GGGYG");
    assert_eq!(host.journal_runs().len(), runs);
    machine.shut_down();
    host.boot_again();
    assert!(host.runs(&commit));
    machine.succeed(&["systemctl", "start", AGENT]);
    host.wait_for("it runs, and the agent has tested it", "GGGGG");
    assert_eq!(host.last_run("test").results, ["success"]);
}

#[test]
fn it_says_that_it_succeeded_and_did_not() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let before = host.running_system();
    let commit = host.pulled_with("  etc.\"number\" = \"1\";", "one");
    let program = format!("{}/bin/switch-to-configuration", host.remote.build(&commit, "web1"));
    machine.succeed(&["mount", "--bind", "/bin/true", &program]);
    let said = host.must_fail("switch");
    assert!(said.contains("the system did not become the running one"), "{said}");
    assert_eq!(host.running_system(), before);
    host.see("exit code 0, and the former system runs: row 7", "-GGRG");
    machine.succeed(&["umount", &program]);
    host.must("switch");
    assert!(host.runs(&commit));
    host.see("row 4", "-GGGY");
}

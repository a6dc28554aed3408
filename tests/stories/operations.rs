//! Operations on a host with a real systemd: pull, switch, test and rollback, started with systemctl, and what is told of
//! them whatever ends them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::FleetHost;
use world::machine::{Image, Machine};

const LIMIT: Duration = Duration::from_mins(4);

/// A host that runs what its repository asks for, with tests passed.
fn settled(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::install(machine);
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    assert!(host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    assert!(host.start("test"), "{}", machine.journal("nixfleet-test.service"));
    assert_eq!(host.states(), "-GGGG");
    host
}

#[test]
fn from_nothing_to_green_and_back() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    assert_eq!(host.states(), "-----", "a fresh host knows nothing");

    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    assert_eq!(host.states(), "-GG-Y", "pulled; what runs is not known, tests never ran");
    assert_eq!(machine.succeed(&["stat", "--format", "%U", "/var/lib/nixfleet/repo/flake.nix"]), "nixfleet");

    assert!(host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    assert_eq!(host.states(), "-GGGY", "row 4 of the table, but for the agent");
    let first = host.running_system().unwrap();
    assert!(host.start("test"), "{}", machine.journal("nixfleet-test.service"));
    assert_eq!(host.states(), "-GGGG", "row 17");
    assert!(machine.journal("nixfleet-test.service").contains("all is well"), "a test's words are in the journal");

    // The weekly update.
    host.remote.release_nixpkgs("26.05.20251201.toy");
    host.remote.update_lock();
    host.remote.commit("flake.lock: update");
    assert!(host.start("pull"));
    assert_eq!(host.states(), "-GGYG", "row 14");
    let reason = host.status().compartments.system.reason;
    assert!(reason.contains("runs, the repository is at"), "{reason}");
    assert!(host.start("switch"));
    assert_eq!(host.states(), "-GGGY", "row 4");
    assert_ne!(host.running_system().unwrap(), first);

    assert!(host.start("rollback"), "{}", machine.journal("nixfleet-rollback.service"));
    assert_eq!(host.running_system().unwrap(), first);
    assert_eq!(host.states(), "-GGGG", "row 36: held, and the tests had passed on this very system");
    let reason = host.status().compartments.system.reason;
    assert!(reason.starts_with("rolled back to generation 1") && reason.ends_with("is held"), "{reason}");
    assert!(host.start("rollback@2"), "{}", machine.journal("nixfleet-rollback@2.service"));
    assert_ne!(host.running_system().unwrap(), first);

    let expected =
        ["pull", "switch", "test", "pull", "switch", "rollback", "rollback"].map(|it| format!("{it} success"));
    assert_eq!(host.results(), expected);
}

#[test]
fn a_failure_says_in_which_part_and_what_runs_now() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = settled(&machine);
    let cases = [
        ("  notAnArgument = 1;", "evaluation", "notAnArgument", true),
        ("  activation = \"exit 7\";", "activation", "previous", false),
        ("  preSwitchCheck = \"echo 'error: not on a Monday' >&2; exit 1\";", "activation", "not on a Monday", true),
        (
            "  units.\"broken.service\" = \"[Service]\\nType=oneshot\\nExecStart=/bin/false\\n\";",
            "activation",
            "the new system runs all the same",
            false,
        ),
    ];
    for (lines, phase, words, unchanged) in cases {
        let before = host.running_system();
        host.remote.set_host("web1", lines);
        host.remote.commit("a mistake");
        assert!(host.start("pull"));
        assert!(!host.start("switch"), "{lines}");
        let system = host.status().compartments.system;
        assert_eq!(system.state.name(), "error", "{lines}: {}", system.reason);
        assert!(system.reason.contains(phase), "{lines}: {}", system.reason);
        assert!(system.reason.contains(words) || words == "previous", "{lines}: {}", system.reason);
        if unchanged {
            assert_eq!(host.running_system(), before, "{lines}");
        } else {
            // Back to where the next case expects to be.
            host.remote.set_host("web1", "");
            host.remote.commit("repaired");
            assert!(host.start("pull") && host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
            assert_eq!(host.status().compartments.system.state.name(), "ok");
        }
    }
    host.remote.set_test("web1", "20-fails", "#!/bin/sh\nexit 3\n");
    host.remote.set_test("web1", "30-skips", "#!/bin/sh\nexit 77\n");
    host.remote.set_test("web1", "40-hangs", "#!/bin/sh\nsleep 1000 & sleep 1000\n");
    host.remote.set_host("web1", "");
    host.remote.commit("tests");
    host.configure(r#", "tests": { "timeout_seconds": 1 }"#);
    assert!(host.start("pull") && host.start("switch"));
    assert!(!host.start("test"));
    let tests = host.status().compartments.tests;
    assert_eq!(tests.state.name(), "error");
    assert!(
        tests.reason.starts_with("2 of 4 failed") && tests.reason.contains("20-fails, 40-hangs"),
        "{}",
        tests.reason
    );
    machine.wait_until("nothing of a test is left", LIMIT, || machine.shell("pgrep --exact sleep || true").is_empty());
}

#[test]
fn whatever_ends_a_switch_is_told() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = settled(&machine);
    let before = host.running_system();
    // A switch that stays in its activation until it is ended.
    host.remote.set_host("web1", "  preSwitchCheck = \"sleep 1000\";");
    host.remote.commit("slow");
    assert!(host.start("pull"));
    let activations = || {
        let journal = machine.read("/var/lib/nixfleet/journal.jsonl");
        journal.lines().filter(|line| line.contains("\"phase\":\"activation\"") && line.contains("progress")).count()
    };
    let begin = || {
        let known = host.results().len();
        let before = activations();
        machine.succeed(&["systemctl", "start", "--no-block", "nixfleet-switch.service"]);
        machine.wait_until("the activation began", LIMIT, || activations() > before);
        assert_eq!(host.states().chars().nth(3), Some('B'), "{:?}", host.status().compartments.system);
        known
    };
    let ended_as = |known: usize, result: &str, letter: char| {
        machine.wait_until("the end was recorded", LIMIT, || host.results().len() > known);
        // Its job is there until the unit is gone: systemd would take the next start for the same.
        host.wait_until_idle("switch");
        assert_eq!(host.results().last().unwrap(), &format!("switch {result}"));
        assert_eq!(host.states().chars().nth(3), Some(letter), "{result}");
        assert_eq!(host.running_system(), before, "{result}");
    };

    let known = begin();
    machine.succeed(&["systemctl", "stop", "nixfleet-switch.service"]);
    ended_as(known, "stopped", 'R');

    let known = begin();
    machine.succeed(&["systemctl", "kill", "--kill-whom=main", "--signal=KILL", "nixfleet-switch.service"]);
    ended_as(known, "killed", 'Y');

    // Everything of it at once, with the program that would have recorded the end.
    begin();
    machine.succeed(&["systemctl", "kill", "--signal=KILL", "nixfleet-switch.service"]);
    machine.wait_until("systemd has it no more, so it is lost", LIMIT, || host.states().chars().nth(3) == Some('Y'));
    host.wait_until_idle("switch");
    let reason = host.status().compartments.system.reason;
    assert!(reason.contains("ended without a result"), "{reason}");

    let known = begin();
    host.run_out_of_time("switch");
    ended_as(known, "timed-out", 'Y');

    begin();
    machine.power_loss();
    machine.boot_again();
    machine.succeed(&["systemctl", "start", "nixfleet-exporter.socket"]);
    assert_eq!(host.states().chars().nth(3), Some('Y'), "interrupted");
    let reason = host.status().compartments.system.reason;
    assert!(reason.contains("interrupted by the machine going down"), "{reason}");

    // And the next one works.
    host.remote.set_host("web1", "");
    host.remote.commit("fast again");
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    assert_eq!(host.status().compartments.system.state.name(), "ok");
}

#[test]
fn two_switches_do_not_meet() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = settled(&machine);
    host.remote.set_host("web1", "  activation = \"until [ -e /run/go-on ]; do sleep 0.1; done\";");
    let commit = host.remote.commit("slow");
    let by_hand = host.remote.build(&commit, "web1");
    assert!(host.start("pull"));

    let mut person = machine.start("root", &["nixos-rebuild", "switch", "--store-path", &by_hand]);
    let lock = "/run/nixos/switch-to-configuration.lock";
    machine.wait_until("the person's switch holds the lock", LIMIT, || {
        machine.exists(lock) && !machine.run(&["flock", "--nonblock", lock, "true"]).success()
    });
    assert!(!host.start("switch"), "it does not wait without a word");
    let system = host.status().compartments.system;
    assert_eq!(system.state.name(), "error");
    assert!(
        system.reason.contains("another switch holds") && system.reason.contains("nothing was changed"),
        "{}",
        system.reason
    );

    machine.write("/run/go-on", "");
    assert!(person.wait().unwrap().success());
    assert_eq!(host.running_system().as_deref(), Some(&*by_hand));
    assert_eq!(host.status().compartments.system.state.name(), "ok", "the person brought what the repository asks for");

    // Started twice, it runs once.
    let known = host.results().len();
    machine.shell("systemctl start nixfleet-switch.service & systemctl start nixfleet-switch.service; wait");
    assert_eq!(host.results()[known..], ["switch success"]);
}

#[test]
fn a_test_that_never_stops_talking_is_heard_and_ended() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = settled(&machine);
    host.remote.set_test(
        "web1",
        "20-talks",
        "#!/bin/sh\nhead --bytes 100000000 /dev/zero | tr '\\0' x | fold --width 1000\nexit 0\n",
    );
    host.remote.set_test("web1", "30-forks", "#!/bin/sh\nsetsid sleep 1000 &\nexit 0\n");
    host.remote.commit("tests");
    assert!(host.start("pull") && host.start("switch"));
    assert!(host.start("test"), "{:?}", host.status().compartments.tests);
    let tests = host.status().compartments.tests;
    assert!(tests.reason.starts_with("3 passed"), "{}", tests.reason);
    machine.wait_until("what a test forked away ended with the unit", LIMIT, || {
        machine.shell("pgrep --exact sleep || true").is_empty()
    });
}

#[test]
fn the_user_nixfleet_may_start_its_operations_and_nothing_else() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = settled(&machine);
    let may = |command: &[&str]| machine.run_as("nixfleet", command).success();
    assert!(may(&["systemctl", "--no-ask-password", "start", "nixfleet-pull.service"]));
    assert!(may(&["systemctl", "--no-ask-password", "start", "nixfleet-rollback@1.service"]));
    for refused in [
        &["systemctl", "--no-ask-password", "start", "ssh.service"][..],
        &["systemctl", "--no-ask-password", "stop", "nixfleet-exporter.socket"],
        &["systemctl", "--no-ask-password", "restart", "nixfleet-pull.service"],
        &["systemctl", "--no-ask-password", "daemon-reload"],
        &["systemctl", "--no-ask-password", "set-property", "--runtime", "nixfleet-pull.service", "CPUWeight=1"],
        &["ln", "--symbolic", "--force", "/tmp", "/nix/var/nix/profiles/system"],
        &["cat", "/etc/shadow"],
        &["cat", "/root/.profile"],
    ] {
        assert!(!may(refused), "{refused:?}");
    }
    assert!(!machine.run_as("alice", &["systemctl", "--no-ask-password", "start", "nixfleet-pull.service"]).success());
    assert_eq!(host.states().chars().nth(3), Some('G'));
    for (unit, most) in [("nixfleet-pull", 3.0), ("nixfleet-exporter", 2.0)] {
        let report = machine.run(&["systemd-analyze", "security", "--no-pager", &format!("{unit}.service")]).stdout;
        let level = report.lines().find_map(|line| line.split("exposure level for").nth(1)).unwrap();
        let exposure: f64 = level.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(exposure <= most, "{unit}: {exposure}");
    }
}

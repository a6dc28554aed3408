//! What people do on a host: they cancel an operation in any part of it, go back where there is nothing to go back to, and
//! run nixos-rebuild behind nixfleet's back. What is told stays true, and the next run works.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{AGENT, FleetHost, LIMIT};
use world::machine::{Image, Machine};

const NIXFLEET: &str = "/opt/nixfleet/bin/nixfleet";
const HELD: &str = "while [ -e /run/hold ]; do sleep 0.05; done";
const REMOTE: &str = "ssh://web1/srv/configuration";

/// A host whose `ssh` waits while it is held.
fn with_a_remote_that_waits(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::settled(machine);
    machine.write_executable(
        "/usr/local/bin/ssh",
        format!("#!/bin/sh\n{HELD}\nexec git-upload-pack /srv/configuration\n"),
    );
    host.configure_remote(REMOTE, "", "");
    host.must("pull");
    host
}

/// A derivation that is built as long as it is held.
fn slow(name: &str) -> String {
    let system = format!("{}-linux", std::env::consts::ARCH);
    let builder = format!("builder = \"/bin/sh\"; args = [ \"-c\" \"{HELD}; mkdir -p $out/bin; echo 1 >$out/text\" ];");
    format!("(derivation {{ name = \"{name}\"; system = \"{system}\"; PATH = \"/usr/bin:/bin\"; {builder} }})")
}

/// The operation is in this part, and held there.
fn begin(host: &FleetHost<'_>, operation: &str, part: &str) {
    host.machine.write("/run/hold", "");
    let known = host.journal_runs().len();
    host.begin(operation);
    host.machine.wait_until(&format!("{operation} is in {part}"), LIMIT, || {
        let runs = host.journal_runs();
        runs.get(known).is_some_and(|run| part == "tests" || run.phases.last().is_some_and(|phase| phase == part))
    });
    let letter = match operation {
        "pull" => 1,
        "test" => 4,
        _ => 3,
    };
    assert_eq!(host.scrape().states().chars().nth(letter), Some('B'), "{operation} {part}");
}

#[test]
fn an_operation_is_cancelled_in_each_of_its_parts() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = with_a_remote_that_waits(&machine);
    host.remote.set_test("web1", "10-passes", &format!("#!/bin/sh\n{HELD}\n"));
    host.pulled_with("", "a test that waits");
    host.must("switch");
    host.must("test");
    host.see("settled again", "-GGGG");

    let cases = [
        ("pull", "fetch", String::new(), "-GGGG"),
        (
            "switch",
            "evaluation",
            format!("  etc.\"text\" = builtins.readFile \"${{{}}}/text\";", slow("evaluated")),
            "-GGRG",
        ),
        ("switch", "evaluation", format!("  packages = [ {} ];", slow("built")), "-GGRG"),
        ("switch", "activation", format!("  preSwitchCheck = \"{HELD}\";"), "-GGRG"),
        ("test", "tests", String::new(), "-GGGY"),
        ("rollback", "activation", String::new(), "-GGRG"),
    ];
    for (operation, part, lines, states) in cases {
        let what = format!("{operation} in {part}: {lines}");
        if operation == "switch" {
            host.pulled_with(&lines, &what.replace('"', "'"));
        }
        if operation == "rollback" {
            // Back to the one whose check waits.
            host.pulled_with("", "newer");
            host.must("switch");
            host.must("test");
        }
        let before = host.running_system();
        begin(&host, operation, part);
        let cancelled = machine.run(&[NIXFLEET, "cancel"]);
        assert_eq!(cancelled.code, Some(0), "{what}: {cancelled:?}");
        host.wait_until_idle(operation);
        let run = host.journal_runs().pop().unwrap();
        assert_eq!(run.results, ["stopped"], "{what}: {run:?}");
        assert_eq!(host.running_system(), before, "{what}");
        host.see(&what, states);
        machine.wait_until("nothing of it is left", LIMIT, || {
            let group = format!("/sys/fs/cgroup/system.slice/nixfleet-{operation}.service/cgroup.procs");
            machine.run(&["cat", &group]).stdout.is_empty() && machine.shell("pgrep --exact sleep || true").is_empty()
        });
        machine.succeed(&["rm", "/run/hold"]);
        host.must(operation);
        if operation == "switch" {
            host.must("test");
        }
        if operation != "rollback" {
            host.see(&format!("{what}, again"), "-GGGG");
        }
    }
}

#[test]
fn there_is_nothing_to_go_back_to() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let first = host.running_system().unwrap();
    let refused = |operation: &str, words: &[&str]| {
        let before = host.running_system();
        let said = host.must_fail(operation);
        let run = host.last_run("rollback");
        for word in words {
            assert!(said.contains(word) && run.detail.contains(word), "{operation}: no word of {word:?}: {said}");
        }
        assert_eq!((host.running_system(), &*run.results), (before.clone(), &["failed".to_owned()][..]));
        let profile = machine.succeed(&["readlink", "--canonicalize", "/nix/var/nix/profiles/system"]);
        assert_eq!(Some(profile), before, "{operation}: the next boot's default is what runs");
        host.see(operation, "-GGRG");
    };
    refused("rollback", &["there is no earlier generation to go back to"]);
    refused("rollback@7", &["there is no generation 7", "`nixfleet generations`"]);
    refused("rollback@0", &["there is no generation 0"]);
    for wrong in ["x", "-1", "99999999999999999999", ""] {
        let unit = format!("nixfleet-rollback@{wrong}.service");
        assert!(!machine.run(&["systemctl", "start", "--", &unit]).success(), "{wrong}");
    }
    assert_eq!(host.running_system().as_ref(), Some(&first));
    host.must("switch");
    host.see("the next switch works", "-GGGG");

    // The generation is listed, and what it names was collected as garbage.
    host.pulled_with("  etc.\"number\" = \"2\";", "two");
    host.must("switch");
    host.must("test");
    machine.shell(&format!("rm -rf {first}"));
    refused("rollback@1", &["is not there", "nothing was changed"]);
    refused("rollback", &["there is no earlier generation"]);
    // … and taken from the list, as `nix-collect-garbage --delete-old` does.
    machine.succeed(&["rm", "/nix/var/nix/profiles/system-1-link"]);
    refused("rollback@1", &["there is no generation 1"]);
    refused("rollback", &["there is no earlier generation"]);
    host.must("switch");
    host.see("and goes on", "-GGGG");
}

#[test]
fn nixos_rebuild_behind_the_back_of_the_agent() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let automatic = r#", "agent": { "interval_seconds": 3600, "policy": { "pull": "on", "switch": "on" } }"#;
    host.configure(automatic);
    host.start_agent();
    // The agent tests after each deployment, also what had passed before.
    let tested = |what: &str| {
        machine.wait_until(&format!("tested: {what}"), LIMIT, || {
            let last = host.journal_runs().pop().unwrap();
            last.operation == "test" && last.results == ["success"]
        });
        host.wait_until_idle("test");
        host.see(what, "GGGGG");
    };
    let arrives = |message: &str| {
        host.remote.set_host("web1", &format!("  etc.\"message\" = \"{message}\";"));
        let commit = host.remote.commit(message);
        host.look();
        machine.wait_until(&format!("{message} runs\n{}", machine.journal(AGENT)), LIMIT, || host.runs(&commit));
        tested(message);
        commit
    };
    let first = host.remote.git(&["rev-parse", "HEAD"]);
    let second = arrives("two");

    // Back by hand: nixfleet sees it, and does not undo what a person did.
    machine.succeed(&["nixos-rebuild", "switch", "--rollback"]);
    assert!(host.runs(&first));
    // The tests had passed on that system, but it is not the one that was tested last.
    host.row(44);
    let runs = host.journal_runs().len();
    host.look();
    host.look();
    assert_eq!(host.journal_runs().len(), runs, "the agent leaves it: {:?}", host.journal_runs().last());
    let status = machine.succeed(&["systemctl", "show", "--property=StatusText", "--value", AGENT]);
    assert!(status.contains("the system was changed by hand: a person decides"), "{status}");
    // A person decides for the commit of the repository …
    host.must("switch");
    assert!(host.runs(&second));
    tested("healed by a switch");
    // … or a newer one comes.
    machine.succeed(&["nixos-rebuild", "switch", "--rollback"]);
    host.row(44);
    arrives("three");

    // `test` runs a system without a generation, `boot` is for the next boot only.
    let other = host.remote.build(&first, "web1");
    machine.shell(&format!("cd && nixos-rebuild test --store-path {other}"));
    host.row(44);
    host.must("switch");
    tested("healed");
    machine.succeed(&["nixos-rebuild", "boot", "--store-path", &other]);
    host.see("what runs is what is asked for", "GGGGG");
}

#[test]
fn what_takes_too_long_is_ended_by_its_unit() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = with_a_remote_that_waits(&machine);
    host.remote.set_test("web1", "10-passes", &format!("#!/bin/sh\n{HELD}\n"));
    host.pulled_with(&format!("  preSwitchCheck = \"{HELD}\";"), "a check that waits");
    host.must("switch");
    host.must("test");
    // A limit for one run, which is held.
    let times_out = |operation: &str, part: &str| {
        begin(&host, operation, part);
        host.run_out_of_time(operation);
        machine.succeed(&["rm", "/run/hold"]);
        let run = host.last_run(operation);
        assert_eq!(run.results, ["timed-out"], "{run:?}");
        assert!(run.detail.contains("TimeoutStartSec="), "{run:?}");
    };
    // Of tests it is known which system they were for: none has a result.
    let cases = [("pull", "fetch", "-GGGG"), ("switch", "activation", "-GGYG"), ("test", "tests", "-GGGY")];
    for (operation, part, states) in cases {
        times_out(operation, part);
        host.see(operation, states);
        host.must(operation);
        host.see(&format!("{operation} again"), "-GGGG");
    }
    host.pulled_with("", "newer");
    host.must("switch");
    host.must("test");
    times_out("rollback", "activation");
    host.see("a rollback that took too long", "-GGYG");
    host.must("rollback");
    assert_eq!(host.system(), 'G');
}

//! The machine loses power in the middle of a pull, a build and an activation. After the next boot the run is told as
//! interrupted, never as running nor as a success, all files of the state can be read, and the next run works.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::{FleetHost, LIMIT, Run};
use world::machine::{Image, Machine};
use world::random::Random;

const MOMENTS: usize = 6;

/// Begins an operation, and waits until it is in this part.
fn begin_until(host: &FleetHost<'_>, operation: &str, part: &str) {
    let known = host.journal_runs().len();
    host.begin(operation);
    host.machine.wait_until(&format!("{operation} is in {part}"), LIMIT, || {
        host.journal_runs().get(known).is_some_and(|run| run.phases.last().is_some_and(|phase| phase == part))
    });
}

/// The power goes, and comes back; the last run.
fn lose_power(host: &FleetHost<'_>) -> Run {
    host.machine.power_loss();
    host.boot_again();
    host.journal_runs().pop().unwrap()
}

/// All that a scrape tells is readable, and no operation seems to run.
fn nothing_runs(host: &FleetHost<'_>, what: &str) {
    let scrape = host.readable_scrape(&[]);
    let running = scrape.of("nixfleet_operation_running");
    assert!(running.len() == 4 && running.values().all(|value| *value == "0"), "{what}: {running:?}");
}

/// Makes the remote one that answers only after this many seconds: `ssh` is what nixfleet reaches it with.
fn remote_answers_after(host: &FleetHost<'_>, seconds: &str) {
    let ssh = format!("#!/bin/sh\nsleep {seconds}\nexec git-upload-pack /srv/configuration\n");
    host.machine.write_executable("/usr/local/bin/ssh", ssh);
    host.configure_remote("ssh://web1/srv/configuration", "", "");
}

#[test]
fn in_a_pull() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    remote_answers_after(&host, "0");
    host.must("pull");
    host.remote.set_host("web1", "  etc.\"number\" = \"1\";");
    host.remote.commit("one");
    remote_answers_after(&host, "1000");
    begin_until(&host, "pull", "fetch");
    host.see("the pull runs", "-BGGG");
    machine.power_loss();
    // A little later it would have left these.
    let locks = ["repo/.git/index.lock", "repo/.git/refs/heads/main.lock", "remote.git/refs/nixfleet/tracked.lock"];
    for lock in locks {
        machine.write(format!("/var/lib/nixfleet/{lock}"), "");
    }
    host.boot_again();
    let run = host.journal_runs().pop().unwrap();
    assert_eq!((&*run.operation, run.results.len()), ("pull", 0), "{run:?}");
    host.see("the pull was interrupted, and what it would have brought is not known", "-GGGG");
    nothing_runs(&host, "in the fetch");
    let interrupted = "nixfleet_operations_total{operation=\"pull\",result=\"interrupted\"}";
    assert_eq!(host.scrape().value(interrupted), Some(1.0));
    remote_answers_after(&host, "0");
    host.must("pull");
    host.see("the next pull works", "-GGYG");
    assert!(locks.iter().all(|lock| !machine.exists(format!("/var/lib/nixfleet/{lock}"))), "no lock is left");
    // Without a pull that was cut off a lock is somebody's.
    machine.write("/var/lib/nixfleet/repo/.git/index.lock", "");
    host.remote.commit("another");
    assert!(host.must_fail("pull").contains("another git works in /var/lib/nixfleet/repo"));
    machine.succeed(&["rm", "/var/lib/nixfleet/repo/.git/index.lock"]);
    host.must("pull");

    // At random moments, where a fetch takes as long as it takes.
    let mut random = Random::of("pull");
    for number in 0..MOMENTS {
        host.remote.write("large", &random.lines(20_000));
        let commit = host.remote.commit(&format!("large {number}"));
        let known = host.journal_runs().len();
        host.begin("pull");
        machine.wait_until("the pull began", LIMIT, || host.journal_runs().len() > known);
        let pause = random.wait_for_a_moment_of(number, MOMENTS, Duration::from_millis(300));
        let run = lose_power(&host);
        let what = format!("after {pause:?}: {run:?}");
        nothing_runs(&host, &what);
        let states = host.readable_scrape(&[]).states();
        assert!(["-GGYG", "-YGYG"].contains(&&*states), "{what}: {states}");
        host.must("pull");
        let head = machine.succeed_as("nixfleet", &["git", "-C", "/var/lib/nixfleet/repo", "rev-parse", "HEAD"]);
        assert_eq!(head, commit, "{what}");
        let changes = ["git", "-C", "/var/lib/nixfleet/repo", "status", "--porcelain"];
        assert_eq!(machine.succeed_as("nixfleet", &changes), "", "{what}");
        machine.succeed_as("nixfleet", &["git", "-C", "/var/lib/nixfleet/repo", "fsck", "--no-progress"]);
        host.see(&what, "-GGYG");
    }
    host.must("switch");
    host.see("all is deployed", "-GGGY");
}

#[test]
fn in_a_switch() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let system = format!("{}-linux", std::env::consts::ARCH);
    let builder =
        "builder = \"/bin/sh\"; args = [ \"-c\" \"while [ -e /run/hold ]; do sleep 0.1; done; mkdir -p $out/bin\" ];";
    let package =
        format!("derivation {{ name = \"slow\"; system = \"{system}\"; PATH = \"/usr/bin:/bin\"; {builder} }}");
    let wait = "while [ -e /run/hold ]; do sleep 0.1; done";
    let cases = [
        // Nix builds: nothing of the system is changed.
        ("evaluation", format!("  packages = [ ({package}) ];"), false),
        // The checks before the switch: the profile is set, the running system is the former one.
        ("activation", format!("  preSwitchCheck = \"{wait}\";"), false),
        // In the activation script, after the boot loader: the next boot starts the new system.
        ("activation", format!("  activation = \"[ ! -L /run/current-system ] || {{ {wait}; }}\";"), true),
    ];
    for (number, (part, lines, boots_new)) in cases.iter().enumerate() {
        let commit = host.pulled_with(lines, &format!("case {number}"));
        machine.write("/run/hold", "");
        let booted_next = || machine.link_target("/boot/default-system");
        let before = booted_next();
        begin_until(&host, "switch", part);
        if *boots_new {
            machine.wait_until("the boot loader is installed", LIMIT, || booted_next() != before);
        }
        host.see("the switch runs", if number == 0 { "-GGBG" } else { "-GGBY" });
        let run = lose_power(&host);
        let what = format!("{lines}: {run:?}");
        assert_eq!((&*run.operation, run.results.len()), ("switch", 0), "{what}");
        assert_eq!(host.runs(&commit), *boots_new, "{what}");
        nothing_runs(&host, &what);
        assert_eq!(host.system(), 'Y', "row 33: {what}");
        let reason = host.reason("system");
        assert!(reason.contains("interrupted by the machine going down"), "{what}: {reason}");
        host.must("switch");
        assert!(host.runs(&commit), "{what}");
        host.see(&what, "-GGGY");
    }
    let interrupted = "nixfleet_operations_total{operation=\"switch\",result=\"interrupted\"}";
    assert_eq!(host.scrape().value(interrupted), Some(3.0));

    // A shutdown in order in the middle of a switch is one as well, and is recorded by the unit itself.
    host.pulled_with(&format!("  preSwitchCheck = \"{wait}\"; etc.\"last\" = \"\";"), "shut down");
    machine.write("/run/hold", "");
    begin_until(&host, "switch", "activation");
    machine.shut_down();
    host.boot_again();
    let run = host.journal_runs().pop().unwrap();
    assert_eq!(run.results, ["interrupted"], "{run:?}");
    assert_eq!(host.system(), 'Y', "{run:?}");
    host.must("switch");
    host.see("the next switch works", "-GGGY");
}

//! Two weeks of a fleet: four hosts with a real systemd each, real ssh, a real Prometheus, and a GitHub of our own.
//!
//! In the first one an update of `flake.lock` goes from an open pull request to green on all hosts. In the second one the update
//! is broken: it stops at the first host, and is taken back.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a story stops at what it did not expect")]

use std::process::{Child, Stdio};
use std::thread;

use serde_json::Value;
use world::fleet_on_github::FleetOnGithub;
use world::fleet_person::{host, results};
use world::machine::{Image, Machine, Network};
use world::prometheus::Prometheus;

const NAMES: [&str; 4] = ["db1", "web1", "web2", "web3"];

/// Tests wait for this file, which shows that they are not run yet.
const TESTS_MAY_BEGIN: &str = "/srv/tests-may-begin";
const SWITCH_MAY_END: &str = "/srv/switch-may-end";

#[test]
fn an_update_of_all_hosts_and_a_week_later_one_that_is_taken_back() {
    let Some(image) = Image::get() else { return };
    let booting = NAMES.map(|name| {
        let image = image.clone();
        thread::spawn(move || Machine::boot(&image, name))
    });
    let machines = booting.map(|machine| machine.join().unwrap());
    let machines = machines.each_ref();
    let network = Network::connect(&machines);
    let targets = NAMES.map(|name| (name, format!("{}:19931", network.address(name))));
    let Some(prometheus) = Prometheus::of_fleet(&targets) else { return };
    let fleet = FleetOnGithub::install(&machines, &network, prometheus);
    let first = a_green_fleet(&fleet, machines[0]);

    let second = the_weekly_update(&fleet, machines[0], &first);
    a_broken_update_is_taken_back(&fleet, &second);
}

/// All hosts run the first commit, with green tests. db1 is one whose switch and tests can be held up.
fn a_green_fleet(fleet: &FleetOnGithub<'_>, db1: &Machine) -> String {
    let held = "[Service]\nExecStartPre=/bin/sh -c 'until test -e /srv/tests-may-begin; do sleep 0.2; done'\n";
    db1.write("/etc/systemd/system/nixfleet-test.service.d/held.conf", held);
    db1.succeed(&["systemctl", "daemon-reload"]);
    let slow = format!("  activation = \"until test -e {SWITCH_MAY_END}; do sleep 0.2; done\";");
    fleet.desk.set_host("db1", &slow);
    may(db1);
    let first = fleet.begin();
    fleet.person.sees("four hosts", |told| told["hosts"].as_array().is_some_and(|hosts| hosts.len() == NAMES.len()));
    let moved = fleet.person.moved(0, &["update", "--wave-size", "4"]);
    assert_eq!(results(&moved), NAMES.map(|name| format!("{name} done")), "{moved:?}");
    let status = fleet.all_are("GGGGG", "row 1: all is current");
    assert_eq!(majority(&status), (first.as_str(), 4), "{status}");
    first
}

fn the_weekly_update(fleet: &FleetOnGithub<'_>, db1: &Machine, before: &str) -> String {
    fleet.update_opens(7, "25.05.1");
    fleet.all_are("GGYGG", "row 11: the update waits for a review");

    let shown = fleet.pr(&["show", "7"]).stdout;
    assert!(shown.contains("changes flake.lock\n  nixpkgs "), "{shown}");
    assert!(
        shown.contains("once merged: 4 hosts track main: db1, web1, web2, web3 (Git and Lock turn yellow"),
        "{shown}"
    );
    let merged = fleet.pr(&["merge", "7", "--yes"]);
    assert!(merged.stderr.contains("4 hosts track main: db1, web1, web2, web3"), "{}", merged.stderr);
    fleet.all_are("GYYGG", "row 12: it is merged");

    must_wait(db1);
    let update = begun(fleet, "1,3");
    let others = [("web1", "GGGYG"), ("web2", "GGGYG"), ("web3", "GGGYG")];
    let with_db1 = |states| [&[("db1", states)], &others[..]].concat();
    fleet.person.sees_states("rows 14 and 15: pulled everywhere, the first one switches", &with_db1("GGGBG"));
    db1.write(SWITCH_MAY_END, "");
    fleet.person.sees_states("row 4: the first one is switched, the others wait for its tests", &with_db1("GGGGY"));
    db1.write(TESTS_MAY_BEGIN, "");
    let status = fleet.all_are("GGGGG", "row 17: all runs, and all tests passed");
    assert_eq!(ended(update), NAMES.map(|name| format!("{name} done")));

    let after = fleet.tip();
    assert_ne!(after, before);
    assert_eq!(majority(&status), (after.as_str(), 4), "{status}");
    let shown = fleet.pr(&["show", "7"]).stdout;
    assert!(shown.contains("by Prometheus: run it: db1, web1, web2, web3\n"), "{shown}");
    after
}

fn a_broken_update_is_taken_back(fleet: &FleetOnGithub<'_>, before: &str) {
    fleet.update_opens(8, "25.05.2-broken");
    fleet.all_are("GGYGG", "row 11: the next update waits for a review");
    fleet.pr(&["merge", "8", "--yes"]);
    fleet.all_are("GYYGG", "row 12: it is merged");

    let moved = fleet.person.moved(5, &["update", "--wave-size", "1,3"]);
    let stopped = ["db1 failed", "web1 not-begun", "web2 not-begun", "web3 not-begun"];
    assert_eq!(results(&moved), stopped, "{moved:?}");
    assert!(moved.iter().any(|(name, _, detail)| name == "db1" && detail.contains("10-release")), "{moved:?}");
    let expected = [("db1", "GGGGR"), ("web1", "GGGYG"), ("web2", "GGGYG"), ("web3", "GGGYG")];
    let status = fleet.person.sees_states("row 8 on one host, row 14 on the others", &expected);
    assert_eq!(majority(&status), (before, 3), "the others run what they ran: {status}");
    assert_eq!(host(&status, "db1")["is_off_majority"], true, "{status}");

    let reverted = fleet.pr(&["revert", "8", "--push", "--yes"]);
    let carriers = "run it: db1; have pulled it and do not run it: web1, web2, web3\n";
    assert!(reverted.stderr.contains(carriers), "{}", reverted.stderr);
    fleet.person.sees_states("row 42: it is taken back on the remote", &[("db1", "GYYGR"), ("web1", "GYYYG")]);

    let moved = fleet.person.moved(0, &["update", "--wave-size", "1,3"]);
    assert_eq!(results(&moved), NAMES.map(|name| format!("{name} done")), "{moved:?}");
    let status = fleet.all_are("GGGGG", "row 17: green everywhere again");
    assert_eq!(majority(&status), (fleet.tip().as_str(), 4), "{status}");
    let shown = fleet.pr(&["show", "8"]).stdout;
    assert!(shown.ends_with("by Prometheus: are without it: db1, web1, web2, web3\n"), "{shown}");
    who_did_what(fleet);
}

/// The audit log has each action twice: before it, and with what came of it.
fn who_did_what(fleet: &FleetOnGithub<'_>) {
    let audit = fleet.audit();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let told: Vec<_> = audit.iter().map(|it| format!("{} {}", text(it, "action"), text(it, "outcome"))).collect();
    let twice = |action: &str| [format!("{action} started"), format!("{action} success")];
    assert_eq!(told, [twice("pr merge"), twice("pr merge"), twice("pr revert")].concat());
    let on: Vec<_> = audit.iter().step_by(2).map(|it| text(it, "on")).collect();
    assert_eq!(&on[..2], ["#7 of example/fleet", "#8 of example/fleet"]);
    assert!(on[2].starts_with("#8 ("), "{on:?}");
    assert_eq!(text(&audit[5], "detail"), format!("pushed {}", fleet.tip()));
    assert!(audit.iter().all(|it| !text(it, "who").is_empty() && it["at"].is_string()), "{audit:?}");
}

fn majority(status: &Value) -> (&str, u64) {
    let majority = &status["majority"];
    (majority["revision"].as_str().unwrap_or_default(), majority["hosts"].as_u64().unwrap_or_default())
}

fn may(db1: &Machine) {
    db1.write(TESTS_MAY_BEGIN, "");
    db1.write(SWITCH_MAY_END, "");
}

fn must_wait(db1: &Machine) {
    db1.succeed(&["rm", TESTS_MAY_BEGIN, SWITCH_MAY_END]);
}

/// An update that goes on by itself.
fn begun(fleet: &FleetOnGithub<'_>, waves: &str) -> Child {
    let arguments = ["update", "--wave-size", waves, "--ssh", "root@{address}", "--yes", "--json"];
    fleet.person.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// What became of the hosts.
fn ended(update: Child) -> Vec<String> {
    let output = update.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hosts = told["hosts"].as_array().unwrap().iter();
    let mut results: Vec<_> =
        hosts.map(|host| format!("{} {}", host["name"].as_str().unwrap(), host["result"].as_str().unwrap())).collect();
    results.sort();
    results
}

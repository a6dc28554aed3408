//! The commands that move a host, on a real systemd: what they show, how they end, and what they say where they may not.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use serde_json::Value;
use world::fleet_host::FleetHost;
use world::follower::Follower;
use world::machine::{Image, Machine, Output};

const LIMIT: Duration = Duration::from_mins(4);
const NIXFLEET: &str = "/opt/nixfleet/bin/nixfleet";

fn run(machine: &Machine, arguments: &[&str]) -> Output {
    machine.run(&[&[NIXFLEET][..], arguments].concat())
}

fn run_as(machine: &Machine, user: &str, arguments: &[&str]) -> Output {
    machine.run_as(user, &[&[NIXFLEET][..], arguments].concat())
}

/// Runs a command that is to end with this code; what it printed.
fn expect(machine: &Machine, code: i32, arguments: &[&str]) -> Output {
    let output = run(machine, arguments);
    assert_eq!(output.code, Some(code), "{arguments:?}: {}\n{}", output.stdout, output.stderr);
    output
}

/// A host on which a switch stays in its activation until it is ended.
fn with_a_slow_switch(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::install(machine);
    expect(machine, 0, &["pull"]);
    expect(machine, 0, &["switch"]);
    host.remote.set_host("web1", "  preSwitchCheck = \"echo it is slow >&2; sleep 1000\";");
    host.remote.commit("slow");
    expect(machine, 0, &["pull"]);
    host
}

/// Starts the command in the background.
fn follow(machine: &Machine, user: &str, arguments: &[&str]) -> Follower {
    Follower::of(machine.start(user, &[&[NIXFLEET][..], arguments].concat()))
}

#[test]
fn an_update_and_the_way_back() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);

    let pull = expect(&machine, 0, &["pull"]);
    assert!(pull.stderr.contains("pull succeeded"), "{}", pull.stderr);
    assert!(pull.stdout.starts_with("web1  ") && pull.stdout.contains("\nGit "), "the table: {}", pull.stdout);

    let switch = expect(&machine, 0, &["switch", "--json"]);
    let told: Value = serde_json::from_str(&switch.stdout).unwrap();
    let first = host.remote.git(&["rev-parse", "HEAD"]);
    assert_eq!((&told["operation"], &told["result"]), (&"switch".into(), &"success".into()), "{told}");
    assert_eq!((&told["revision"], &told["phase"]), (&first.clone().into(), &"activation".into()), "{told}");
    assert_eq!(told["status"]["compartments"]["system"]["state"], "ok", "{told}");
    let expected = ["detail", "exit_code", "invocation_id", "operation", "phase", "result", "revision", "status"]
        .map(String::from);
    let mut keys: Vec<_> = told.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, expected);

    let test = expect(&machine, 0, &["test"]);
    assert!(test.stderr.contains("all is well"), "a test's words, as they come: {}", test.stderr);
    assert_eq!(host.states(), "-GGGG");
    let logs = expect(&machine, 0, &["logs", "test"]);
    assert!(logs.stdout.contains("all is well") && !logs.stdout.contains("pull"), "{}", logs.stdout);
    let lines = expect(&machine, 0, &["logs", "test", "--json"]).stdout;
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{lines}");
    assert!(lines.contains(r#""MESSAGE":"#), "{lines}");

    host.remote.release_nixpkgs("26.05.20251201.toy");
    host.remote.update_lock();
    let second = host.remote.commit("flake.lock: update");
    expect(&machine, 0, &["pull"]);
    expect(&machine, 0, &["switch"]);
    let rollback = expect(&machine, 0, &["rollback"]);
    assert!(rollback.stderr.contains("rollback succeeded: generation 1"), "{}", rollback.stderr);

    let list = expect(&machine, 0, &["generations"]).stdout;
    let marks = |number: &str| list.lines().find(|line| line.starts_with(number)).unwrap().to_owned();
    assert!(marks("1 ").contains(&first[..7]) && marks("1 ").ends_with("current, default"), "{list}");
    assert!(marks("2 ").contains(&second[..7]) && marks("2 ").contains("26.05.20251201.toy"), "{list}");
    let list: Value = serde_json::from_str(&expect(&machine, 0, &["generations", "--json"]).stdout).unwrap();
    assert_eq!((&list[1]["number"], &list[1]["revision"]), (&2.into(), &second.clone().into()), "{list}");
    assert_eq!((&list[0]["is_current"], &list[1]["is_current"]), (&true.into(), &false.into()), "{list}");

    let before = (host.states(), host.journal_runs().len());
    let unknown = expect(&machine, 1, &["rollback", "--to", "99"]);
    assert!(unknown.stderr.contains("nothing was started, there is no generation 99"), "{}", unknown.stderr);
    assert_eq!((host.states(), host.journal_runs().len()), before, "a slip of a person turns nothing red");
    expect(&machine, 0, &["rollback", "--to", "2"]);
    assert!(host.status().compartments.system.reason.contains(&second[..7]), "{:?}", host.status().compartments.system);

    // By hand: a commit is held, seen as held, and released.
    let held = expect(&machine, 0, &["hold", &second[..7]]);
    assert!(held.stderr.starts_with(&format!("{second} is held")), "{}", held.stderr);
    assert!(machine.read("/var/lib/nixfleet/journal.jsonl").contains("\"event\":\"held\""));
    assert_eq!(machine.succeed(&["stat", "--format", "%U", "/var/lib/nixfleet/journal.jsonl"]), "nixfleet");
    expect(&machine, 0, &["release", &second]);
    assert!(machine.read("/var/lib/nixfleet/journal.jsonl").contains("\"event\":\"released\""));
    for (wrong, words) in [("main", "is not a commit id"), ("0000000", "no commit of the checkout begins with")] {
        let refused = expect(&machine, 1, &["hold", wrong]);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
}

#[test]
fn what_fails_says_why_and_who_may_not_is_told_what_to_do() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    let never = expect(&machine, 1, &["logs", "switch"]);
    assert!(never.stderr.contains("start one with `nixfleet switch`"), "{}", never.stderr);
    let idle = expect(&machine, 1, &["cancel"]);
    assert!(idle.stderr.contains("there is nothing to cancel"), "{}", idle.stderr);

    host.remote.set_host("web1", "  preSwitchCheck = \"echo 'error: not on a Monday' >&2; exit 1\";");
    host.remote.commit("a mistake");
    expect(&machine, 0, &["pull"]);
    let switch = expect(&machine, 5, &["switch"]);
    assert!(switch.stderr.contains("not on a Monday"), "{}", switch.stderr);
    assert!(switch.stderr.contains("switch failed in activation: "), "{}", switch.stderr);
    assert!(switch.stdout.contains("error"), "the table: {}", switch.stdout);
    let switch = expect(&machine, 5, &["switch", "--json"]);
    let told: Value = serde_json::from_str(&switch.stdout).unwrap();
    assert_eq!((&told["result"], &told["phase"]), (&"failed".into(), &"activation".into()), "{told}");

    for arguments in [&["pull"][..], &["switch", "--json"], &["rollback", "--to", "1"], &["test", "--no-wait"]] {
        let refused = run_as(&machine, "alice", arguments);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{arguments:?}: {}", refused.stderr);
        let words = ["this user may not start nixfleet-", "use `sudo nixfleet "];
        assert!(words.iter().all(|words| refused.stderr.contains(words)), "{}", refused.stderr);
        assert_eq!(refused.stderr.lines().count(), 1, "one sentence: {}", refused.stderr);
    }
    let refused = run_as(&machine, "alice", &["hold", &"a".repeat(40)]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("this user may not write to /var/lib/nixfleet"), "{}", refused.stderr);
    assert_eq!(run_as(&machine, "alice", &["generations"]).code, Some(0), "everybody may look");
    let own = run_as(&machine, "nixfleet", &["pull"]);
    assert_eq!(own.code, Some(0), "the polkit rule: {}", own.stderr);

    machine.shell("rm /etc/systemd/system/nixfleet-test.service && systemctl daemon-reload");
    let missing = expect(&machine, 1, &["test"]);
    assert!(missing.stderr.contains("there is no unit nixfleet-test.service"), "{}", missing.stderr);
    machine.shell("mv /opt/nixfleet/bin/nixfleet-agent /opt/nixfleet/bin/away");
    assert!([Some(1), Some(6)].contains(&run(&machine, &["pull"]).code), "no program, and no success");
    machine.shell("mv /opt/nixfleet/bin/away /opt/nixfleet/bin/nixfleet-agent");
    expect(&machine, 0, &["pull"]);
}

#[test]
fn cancelled_by_another_while_two_follow() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = with_a_slow_switch(&machine);

    let mut first = follow(&machine, "root", &["switch"]);
    first.wait_for("it is slow");
    let mut second = follow(&machine, "alice", &["switch", "--json"]);
    second.wait_for("runs already");
    assert_eq!(host.states().chars().nth(3), Some('B'));

    let refused = run_as(&machine, "alice", &["cancel"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("this user may not stop nixfleet-switch.service"), "{}", refused.stderr);
    let other = expect(&machine, 1, &["cancel", "pull"]);
    assert!(other.stderr.contains("no pull runs"), "{}", other.stderr);
    let cancelled = expect(&machine, 0, &["cancel", "--json"]);
    assert_eq!(cancelled.stdout, "{\"stopped\":[\"nixfleet-switch.service\"]}\n");
    assert!(cancelled.stderr.contains("nixfleet-switch.service runs no more"), "{}", cancelled.stderr);

    let first = first.end();
    assert_eq!(first.code, Some(6), "{}", first.stderr);
    assert!(first.stderr.contains("switch was stopped"), "{}", first.stderr);
    assert!(first.stdout.contains("\nSystem  error"), "{}", first.stdout);
    let second = second.end();
    assert_eq!(second.code, Some(6), "{}", second.stderr);
    assert!(second.stderr.contains("for root and the group systemd-journal"), "{}", second.stderr);
    let told: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(told["result"], "stopped", "{told}");
    assert_eq!(host.results().last().unwrap(), "switch stopped", "recorded once by the unit");
}

#[test]
fn who_stops_following_stops_nothing() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = with_a_slow_switch(&machine);

    let mut follower = follow(&machine, "root", &["switch"]);
    follower.wait_for("it is slow");
    machine.shell("pkill --signal INT --exact nixfleet");
    let follower = follower.end();
    assert_eq!((follower.code, follower.stdout.as_str()), (Some(130), ""), "{}", follower.stderr);
    assert!(follower.stderr.contains("`nixfleet cancel switch` ends it"), "{}", follower.stderr);
    assert_eq!(host.states().chars().nth(3), Some('B'), "it goes on");
    machine.wait_until("no follower is left", LIMIT, || machine.shell("pgrep --exact journalctl || true").is_empty());

    // Killed with everything of it, the program that would have recorded its end too.
    let mut follower = follow(&machine, "root", &["switch"]);
    follower.wait_for("runs already");
    machine.succeed(&["systemctl", "kill", "--signal=KILL", "nixfleet-switch.service"]);
    let follower = follower.end();
    assert_eq!(follower.code, Some(6), "{}", follower.stderr);
    assert!(follower.stderr.contains("switch was "), "{}", follower.stderr);

    let started = expect(&machine, 0, &["switch", "--no-wait"]);
    assert!(started.stderr.contains("`nixfleet logs --follow switch`"), "{}", started.stderr);
    machine.wait_until("it runs", LIMIT, || host.states().chars().nth(3) == Some('B'));
    expect(&machine, 0, &["cancel", "switch"]);

    // On a terminal one line changes below what the unit writes.
    let command = format!("{NIXFLEET} switch");
    let script = ["script", "--quiet", "--return", "--flush", "--command", &command, "/run/shown"];
    let on_terminal = Follower::of(machine.start("root", &script));
    machine.wait_until("the line is shown below what the unit wrote", LIMIT, || {
        let shown = machine.try_read("/run/shown").unwrap_or_default();
        shown.split_once("it is slow").is_some_and(|(_, below)| below.contains("switch runs in activation "))
    });
    expect(&machine, 0, &["cancel", "switch"]);
    let shown = on_terminal.end();
    assert_eq!(shown.code, Some(6), "{}", shown.stdout);
    assert!(shown.stdout.contains("switch runs in activation "), "{}", shown.stdout);
    assert!(shown.stdout.contains("\r\u{1b}[Kswitch was stopped"), "the line is gone: {}", shown.stdout);
}

#[test]
fn logs_are_followed_while_they_are_written() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    host.remote.set_test(
        "web1",
        "20-slow",
        "#!/bin/sh\necho it begins\nwhile [ ! -e /run/go-on ]; do sleep 0.1; done\necho it goes on\n",
    );
    host.remote.commit("a slow test");
    expect(&machine, 0, &["pull"]);
    expect(&machine, 0, &["test", "--no-wait"]);
    machine.wait_until("the test runs", LIMIT, || host.states().chars().nth(4) == Some('B'));

    let mut logs = machine.start("root", &[NIXFLEET, "logs", "--follow", "test"]);
    let mut lines = BufReader::new(logs.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("it begins")), "what was written before");
    machine.write("/run/go-on", "");
    assert!(lines.any(|line| line.contains("it goes on")), "what is written then");
    assert!(lines.any(|line| line.contains("Finished nixfleet-test.service")), "what systemd says of it");
    // Its end does not end following: that is for Ctrl-C.
    assert_eq!(logs.try_wait().unwrap(), None);
    machine.shell("pkill --signal INT --exact journalctl");
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().all(|line| line.contains("nixfleet-test.service: Consumed ")), "it ends: {rest:?}");
    logs.wait().unwrap();
}

#[test]
fn a_run_is_followed_across_a_restart_of_the_bus_and_of_systemd() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    host.remote.set_host(
        "web1",
        "  activation = \"echo it is slow >&2; while [ ! -e /run/go-on ]; do sleep 0.1; done; echo it goes on >&2\";",
    );
    host.remote.commit("slow");
    expect(&machine, 0, &["pull"]);
    let mut follower = follow(&machine, "root", &["switch", "--json"]);
    follower.wait_for("it is slow");
    machine.succeed(&["systemctl", "restart", "dbus.service"]);
    machine.succeed(&["systemctl", "daemon-reexec"]);
    machine.write("/run/go-on", "");
    let switch = follower.end();
    assert_eq!(switch.code, Some(0), "{}", switch.stderr);
    assert!(switch.stderr.contains("it goes on"), "{}", switch.stderr);
    let told: Value = serde_json::from_str(&switch.stdout).unwrap();
    assert_eq!(told["result"], "success", "{told}");
    assert_eq!(host.results(), ["pull success", "switch success"]);
}

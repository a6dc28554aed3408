//! The agent's policy on a host: a system that fails its tests is left again, once and never in a loop; a window and a hold are
//! waited for.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{AGENT, FleetHost, LIMIT};
use world::machine::{Image, Machine};

const NIXFLEET: &str = "/opt/nixfleet/bin/nixfleet";

fn with_policy(host: &FleetHost<'_>, policy: &str) {
    host.configure(&format!(r#", "agent": {{ "interval_seconds": 3600, "policy": {{ {policy} }} }}"#));
}

/// Lines of shell that wait as long as the file is there.
fn held(by: &str) -> String {
    format!("while [ -e /run/hold-{by} ]; do sleep 0.05; done")
}

fn hold(machine: &Machine, by: &str) {
    machine.write(format!("/run/hold-{by}"), "");
}

fn let_go(machine: &Machine, by: &str) {
    machine.succeed(&["rm", &format!("/run/hold-{by}")]);
}

/// A commit whose system passes the tests, or does not.
fn push(host: &FleetHost<'_>, message: &str) -> String {
    let check = held("switch");
    host.remote.set_host("web1", &format!("  etc.\"message\" = \"{message}\";\n  preSwitchCheck = \"{check}\";"));
    host.remote.commit(message)
}

/// The agent is asked to look; a pull that it starts then looks, too.
fn agent_is_asked(host: &FleetHost<'_>) {
    host.machine
        .wait_until("the agent can be asked", LIMIT, || host.machine.run(&["systemctl", "reload", AGENT]).success());
}

/// The agent has looked and decided, and started nothing.
fn nothing_is_started(host: &FleetHost<'_>, words: &str) {
    let runs = host.journal_runs().len();
    host.look();
    let show = ["systemctl", "show", "--property=StatusText", "--value", AGENT];
    host.machine
        .wait_until(&format!("the agent says {words:?}"), LIMIT, || host.machine.succeed(&show).contains(words));
    host.look();
    assert_eq!(host.journal_runs().len(), runs, "{words}: {:?}", host.journal_runs().last());
}

#[test]
fn what_fails_its_tests_is_rolled_back_once() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    // It looks at what runs, as a test of a host does.
    let test = format!("#!/bin/sh\n{}\n! grep --quiet bad /etc/message\n", held("test"));
    host.remote.set_test("web1", "10-passes", &test);
    let good = push(&host, "good");
    for operation in ["pull", "switch", "test"] {
        host.must(operation);
    }
    with_policy(&host, r#""pull": "on", "switch": "on", "rollback_when_tests_fail": true"#);
    host.start_agent();
    host.row(1);

    hold(&machine, "test");
    let bad = push(&host, "bad");
    agent_is_asked(&host);
    host.wait_for("row 16: it was pulled and switched to, and is tested", "GGGGB");
    assert!(host.runs(&bad));
    hold(&machine, "switch");
    let_go(&machine, "test");
    host.will_be_row(35);
    hold(&machine, "test");
    let_go(&machine, "switch");
    host.wait_for("what runs again is tested", "GGGGB");
    assert!(host.runs(&good));
    let_go(&machine, "test");
    host.wait_for("back, and well", "GGGGG");
    let reason = host.reason("system");
    assert!(
        reason.starts_with("rolled back to generation") && reason.ends_with(&format!("{} is held", &bad[..7])),
        "{reason}"
    );
    assert_eq!(host.scrape().value("nixfleet_system_rollback_held"), Some(1.0));
    host.wait_until_idle("test");
    nothing_is_started(&host, "is held");
    // An agent that is killed forgets nothing.
    let process = || machine.succeed(&["systemctl", "show", "--property=MainPID", "--value", AGENT]);
    let before = process();
    machine.succeed(&["systemctl", "kill", "--signal=KILL", AGENT]);
    // A reload while it starts is none.
    machine.wait_until("another agent runs", LIMIT, || {
        process() != before && machine.run(&["systemctl", "is-active", AGENT]).stdout.trim() == "active"
    });
    nothing_is_started(&host, "is held");
    let done = || host.journal_runs().into_iter().map(|run| run.operation).collect::<Vec<_>>();
    assert_eq!(done()[3..], ["pull", "switch", "test", "rollback", "test"]);

    // A person insists. It fails its tests again, and that person is not overruled.
    host.must("switch");
    host.will_be_row(8);
    host.wait_until_idle("test");
    nothing_is_started(&host, "");
    host.row(8);
    assert!(host.runs(&bad));

    // The next bad one is left for the one before all that were bad; a fix stays.
    let worse = push(&host, "also bad");
    agent_is_asked(&host);
    host.wait_for("back once more", "GGGGG");
    assert!(host.runs(&good));
    assert!(host.reason("system").ends_with(&format!("{} is held", &worse[..7])), "{}", host.reason("system"));
    host.wait_until_idle("test");
    nothing_is_started(&host, "is held");
    let fix = push(&host, "repaired");
    agent_is_asked(&host);
    machine.wait_until("the fix runs", LIMIT, || host.runs(&fix));
    host.wait_for("the fix", "GGGGG");
    let rollbacks = host.journal_runs().into_iter().filter(|run| run.operation == "rollback").count();
    assert_eq!(rollbacks, 2);

    // Off, which is the default: it stays, red.
    with_policy(&host, r#""pull": "on", "switch": "on""#);
    let bad = push(&host, "bad again");
    agent_is_asked(&host);
    host.will_be_row(8);
    host.wait_until_idle("test");
    nothing_is_started(&host, "");
    host.row(8);
    assert!(host.runs(&bad));
}

#[test]
fn a_window_and_a_hold_are_waited_for() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    // Never within this story, whatever the time.
    let in_three_days = machine.succeed(&["env", "LC_ALL=C", "date", "--date=3 days", "+%a"]);
    let closed = format!(r#"{{ "window": "{in_three_days} 02:00-05:00" }}"#);
    let open = r#"{ "window": "Mon..Sun 00:00-24:00" }"#;
    with_policy(&host, &format!(r#""pull": {open}, "switch": {closed}"#));
    host.start_agent();
    host.row(1);

    let commit = push(&host, "one");
    agent_is_asked(&host);
    host.will_be_row(3);
    host.wait_until_idle("pull");
    nothing_is_started(&host, &format!("switch waits for its window ({in_three_days} 02:00-05:00)"));
    host.row(3);
    // Held by a person before it opens.
    machine.succeed(&[NIXFLEET, "hold", &commit[..7]]);
    with_policy(&host, &format!(r#""pull": {closed}, "switch": {open}"#));
    nothing_is_started(&host, "is held");
    assert!(host.reason("system").ends_with("is held: it is not deployed by itself"), "{}", host.reason("system"));
    machine.succeed(&[NIXFLEET, "release", &commit]);
    agent_is_asked(&host);
    machine.wait_until("it was released, and the window is open", LIMIT, || host.runs(&commit));
    host.will_be_row(17);

    host.wait_until_idle("test");
    push(&host, "two");
    nothing_is_started(&host, "pull waits for its window");
    host.row(2);
}

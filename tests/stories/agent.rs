//! The agent on a host with a real systemd: it moves the host by its policy, survives what happens around it, and replaces
//! itself.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::FleetHost;
use world::machine::{Image, Machine};

const LIMIT: Duration = Duration::from_mins(4);
/// At rest, of the unoptimised program: some 17 MiB, most of it pages of its file, which only says how large that is.
const RESIDENT_KIB: u64 = 24 * 1024;

/// What it has for itself, some 2 MiB: a leak, or a look inside of the agent, takes more.
const OWN_KIB: u64 = 4 * 1024;

/// Some twenty in half a minute with three looks at the remote, each a process of its own: a loop that spins takes thousands.
const WAKE_UPS: u64 = 120;

const AGENT: &str = "nixfleet-agent.service";

/// A host that a person switched to nixfleet, whose agent from then on pulls and switches by itself.
fn automatic(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::install(machine);
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    host.configure(r#", "agent": { "interval_seconds": 10, "policy": { "pull": "on", "switch": "on" } }"#);
    machine.succeed(&["systemctl", "start", AGENT]);
    host
}

fn wait_for(host: &FleetHost<'_>, states: &str) {
    let machine = host.machine;
    let what = format!("{states} after {}\n{}", host.states(), machine.journal(AGENT));
    machine.wait_until(&what, LIMIT, || host.states() == states);
}

fn reload(machine: &Machine) {
    machine.succeed(&["systemctl", "reload", AGENT]);
}

fn main_process(machine: &Machine) -> String {
    machine.succeed(&["systemctl", "show", "--property=MainPID", "--value", AGENT])
}

#[test]
fn the_weekly_update_by_itself() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    wait_for(&host, "GGGGG");
    assert_eq!(host.results(), ["pull success", "switch success", "test success"]);
    let told = || machine.journal(AGENT).contains("nixfleet-test.service: job done");
    machine.wait_until("the agent heard of a unit's end from systemd itself", LIMIT, told);

    host.remote.release_nixpkgs("26.05.20251201.toy");
    host.remote.update_lock();
    let update = host.remote.commit("flake.lock: update");
    reload(&machine);
    let version = || machine.succeed(&["/run/current-system/sw/bin/nixos-version", "--json"]);
    machine.wait_until("the update runs", LIMIT, || version().contains(&update));
    wait_for(&host, "GGGGG");

    // A commit with tests that fail: it stays, red, and is not tried again and again.
    host.remote.set_test("web1", "20-fails", "#!/bin/sh\nexit 1\n");
    host.remote.commit("a failing test");
    reload(&machine);
    wait_for(&host, "GGGGR");
    let known = host.results().len();
    host.look();
    host.look();
    assert_eq!(host.results().len(), known, "{:?}", host.results());
}

#[test]
fn whatever_happens_to_the_agent_the_host_arrives() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    wait_for(&host, "GGGGG");
    for (name, event) in [
        ("the agent is killed", &["systemctl", "kill", "--signal=KILL", AGENT][..]),
        ("systemd is executed anew", &["systemctl", "daemon-reexec"]),
        ("D-Bus is restarted", &["systemctl", "restart", "dbus.service"]),
    ] {
        // It is in the middle of it.
        host.remote.set_host("web1", "  activation = \"until [ -e /run/go-on ]; do sleep 0.1; done\";");
        let commit = host.remote.commit(name);
        reload(&machine);
        machine.wait_until("the switch began", LIMIT, || host.states().chars().nth(3) == Some('B'));
        machine.run(event);
        machine.write("/run/go-on", "");
        let version = || machine.succeed(&["/run/current-system/sw/bin/nixos-version", "--json"]);
        machine.wait_until(name, LIMIT, || version().contains(&commit));
        wait_for(&host, "GGGGG");
        machine.succeed(&["rm", "/run/go-on"]);
        assert_eq!(machine.succeed(&["systemctl", "is-active", AGENT]), "active", "{name}");
    }
    assert!(host.results().iter().all(|result| result.ends_with("success")), "{:?}", host.results());
}

#[test]
fn an_agent_that_hangs_is_replaced_by_its_watchdog() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    assert!(host.start("pull") && host.start("switch") && host.start("test"));
    machine.write(format!("/etc/systemd/system/{AGENT}.d/watchdog.conf"), "[Service]\nWatchdogSec=15s\n");
    host.start_agent();
    wait_for(&host, "GGGGG");
    let before = main_process(&machine);
    // It gives signs of life as often as its watchdog wants them.
    let beats = || host.scrape().value("nixfleet_agent_heartbeat_timestamp_seconds").unwrap();
    let first = beats();
    machine.wait_until("some signs of life", LIMIT, || beats() > first + 20.0);
    assert_eq!(main_process(&machine), before);

    machine.succeed(&["kill", "-STOP", &before]);
    machine.wait_until("another one runs", LIMIT, || !["0", &*before].contains(&&*main_process(&machine)));
    let result = machine.journal(AGENT);
    assert!(result.contains("Watchdog timeout"), "{result}");
    wait_for(&host, "GGGGG");
}

#[test]
fn a_new_agent_takes_the_place_of_the_old_one() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    wait_for(&host, "GGGGG");
    let old = main_process(&machine);
    machine.shell("cp -r /opt/nixfleet /opt/nixfleet-new");
    machine.shell("sed -i s,/opt/nixfleet/,/opt/nixfleet-new/, /etc/systemd/system/nixfleet-agent.service");
    machine.succeed(&["systemctl", "daemon-reload"]);
    machine.wait_until("the new agent runs", LIMIT, || {
        let process = main_process(&machine);
        process != old
            && process != "0"
            && machine.shell(&format!("readlink /proc/{process}/exe || true")).contains("-new/")
    });
    wait_for(&host, "GGGGG");
}

/// A configuration without nixfleet was activated by hand: its units are gone, and X-StopOnRemoval=false keeps the agent.
#[test]
fn an_agent_whose_unit_is_gone_ends() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    host.configure(r#", "agent": { "interval_seconds": 3600, "heartbeat_deadline_seconds": 15 }"#);
    host.start_agent();
    wait_for(&host, "GGGGG");
    let path = machine.succeed(&["systemctl", "show", "--property=FragmentPath", "--value", AGENT]);
    machine.succeed(&["rm", &path]);
    machine.succeed(&["systemctl", "daemon-reload"]);
    machine.shell("ln --symbolic \"$(readlink /run/current-system)\" /run/another");
    machine.shell("ln --symbolic --force --no-dereference /run/another /run/current-system");
    let state = |name: &str| machine.succeed(&["systemctl", "show", &format!("--property={name}"), "--value", AGENT]);
    machine.wait_until("it has ended", LIMIT, || state("ActiveState") != "active");
    // Not by its watchdog, as something that failed.
    assert_eq!(state("ActiveState"), "inactive", "{}", machine.journal(AGENT));
}

#[test]
fn at_rest_it_is_small_and_writes_nothing() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    wait_for(&host, "GGGGG");
    // What it did is done, and it has looked around since.
    host.look();
    let process = main_process(&machine);
    let state = || machine.shell("cd /var/lib/nixfleet && find . -type f -printf '%p %T@ %s\\n' | sort");
    // What it takes when it wakes up, in all of its threads.
    let wakeups = || -> u64 {
        let counts = machine.shell(&format!("grep --no-filename ^voluntary /proc/{process}/task/*/status"));
        counts.lines().map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()).sum()
    };
    let before = (state(), wakeups());
    std::thread::sleep(Duration::from_secs(30));
    assert_eq!(state(), before.0, "the agent at rest wrote to the disk");
    let woken = wakeups() - before.1;
    let status = machine.read(format!("/proc/{process}/status"));
    let kib = |name: &str| -> u64 {
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
        value.unwrap().trim().parse().unwrap()
    };
    let (resident, own) = (kib("VmRSS:"), kib("RssAnon:"));
    let exposure = machine.run(&["systemd-analyze", "security", "--no-pager", AGENT]).stdout;
    let exposure = exposure.lines().last().unwrap_or_default().to_owned();
    println!(
        "measured over 30 s with a look every 10 s: {resident} KiB, {own} of its own; woken {woken} times; {exposure}"
    );
    assert!(resident <= RESIDENT_KIB && own <= OWN_KIB, "{resident} KiB, {own} of its own");
    assert!(woken <= WAKE_UPS, "woken {woken} times in 30 s");
    let level = exposure.split_whitespace().find_map(|word| word.parse::<f64>().ok()).unwrap();
    assert!(level <= 2.0, "{exposure}");
}

//! Killed at random moments: the agent, the build and the activation, ten times each. What the journal tells is true, no run
//! stays running for ever, nothing counts as a success that was none, and the next run works.
//!
//! `NIXFLEET_TEST_SEED` brings back the moments of an earlier run.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::{AGENT, FleetHost, LIMIT, Run};
use world::machine::{Image, Machine};
use world::random::Random;

const TIMES: usize = 10;
const SWITCH: &str = "nixfleet-switch.service";

/// Who is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    /// The step itself; what it started ends with its unit.
    Step,
    /// One of the programs that it runs.
    Program,
    /// Everything of the unit at once, also the program that would record the end.
    Everything,
}

impl Victim {
    fn kill(self, machine: &Machine, random: &mut Random) {
        match self {
            // The unit may have ended in between: then nothing is killed, and the switch is what it says it is.
            Self::Step => {
                machine.run(&["systemctl", "kill", "--kill-whom=main", "--signal=KILL", SWITCH]);
            }
            Self::Everything => {
                machine.run(&["systemctl", "kill", "--signal=KILL", SWITCH]);
            }
            Self::Program => {
                let group = format!("/sys/fs/cgroup/system.slice/{SWITCH}/cgroup.procs");
                let processes = machine.run(&["cat", &group]).stdout;
                let processes: Vec<&str> = processes.lines().skip(1).collect();
                if !processes.is_empty() {
                    machine.run(&["kill", "-KILL", random.one_of(&processes)]);
                }
            }
        }
    }

    /// The results that a run may have after it, but for success; none is a run that ended without a word.
    const fn results(self) -> &'static [Option<&'static str>] {
        match self {
            Self::Step => &[Some("killed")],
            // The next step may have begun since they were listed, and is one of them.
            Self::Program => &[Some("failed"), Some("killed")],
            // The step may be the last to die, and tell of the others.
            Self::Everything => &[Some("killed"), Some("failed"), None],
        }
    }
}

/// A configuration that is new, and takes half a second to build and as long to activate.
fn slow(name: &str) -> String {
    let system = format!("{}-linux", std::env::consts::ARCH);
    let builder =
        "builder = \"/bin/sh\"; args = [ \"-c\" \"sleep 0.5; mkdir -p $out/bin\" ]; PATH = \"/usr/bin:/bin\";";
    let package = format!("derivation {{ name = \"slow\"; system = \"{system}\"; which = \"{name}\"; {builder} }}");
    format!("  packages = [ ({package}) ];\n  activation = \"sleep 0.5\";")
}

/// Starts a switch, kills it at a random moment of this part, and looks at what is told of it.
fn kill_once(host: &FleetHost<'_>, random: &mut Random, part: &str, number: usize) -> String {
    let machine = host.machine;
    let commit = host.pulled_with(&slow(&format!("{part} {number}")), &format!("{part} {number}"));
    let victim = random.one_of(&[Victim::Step, Victim::Step, Victim::Program, Victim::Everything]);
    let known = host.journal_runs().len();

    host.begin("switch");
    machine.wait_until("the switch began", LIMIT, || host.journal_runs().len() > known);
    if part == "activation" {
        machine.wait_until("the activation began", LIMIT, || {
            let run = host.last_run("switch");
            run.phases.iter().any(|phase| phase == part) || !run.results.is_empty()
        });
    }
    let pause = random.wait_for_a_moment_of(number, TIMES, Duration::from_millis(800));
    victim.kill(machine, random);
    host.wait_until_idle("switch");

    let runs = host.journal_runs();
    let run = runs.last().unwrap();
    let what = format!("{part} {number}, {victim:?} killed after {pause:?} in {:?}: {run:?}", run.phases.last());
    assert_eq!((runs.len(), &*run.operation), (known + 1, "switch"), "{what}");
    assert!(run.results.len() <= 1, "it ended twice: {what}");
    let letter = match run.results.first().map(String::as_str) {
        Some("success") => {
            assert!(host.runs(&commit), "no success without the system: {what}");
            'G'
        }
        other => {
            assert!(victim.results().contains(&other), "{what}");
            if other == Some("failed") { 'R' } else { 'Y' }
        }
    };
    host.wait_for_system(&what, letter);
    host.readable_scrape(&[]);

    // The next run works.
    host.must("switch");
    assert!(host.runs(&commit), "{what}");
    host.see(&what, "-GGGY");
    what
}

fn kill_the_switch(part: &str) {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    let mut random = Random::of(part);
    for number in 0..TIMES {
        println!("{}", kill_once(&host, &mut random, part, number));
    }
    let switches: Vec<_> = host.journal_runs().into_iter().filter(|run| run.operation == "switch").collect();
    let hit = switches.iter().filter(|run| run.results != ["success"]).count();
    assert!(hit > TIMES / 3, "few were hit at all: {switches:?}");
}

#[test]
fn the_build_is_killed() {
    kill_the_switch("build");
}

#[test]
fn the_activation_is_killed() {
    kill_the_switch("activation");
}

/// As on NixOS a switch ends with exit code 4 where it finds some service waiting to be started again, here the agent that
/// was killed in just that moment. The new system runs then, and a person looks.
fn ended_amid_a_restart(run: &Run) -> bool {
    let is_so = run.detail.contains("a unit failed") && run.detail.contains("the new system runs all the same");
    run.operation == "switch" && run.results == ["failed"] && is_so
}

#[test]
fn the_agent_is_killed() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    host.configure(r#", "agent": { "interval_seconds": 10, "policy": { "pull": "on", "switch": "on" } }"#);
    machine.succeed(&["systemctl", "start", AGENT]);
    host.wait_for("the agent lives", "GGGGG");
    let mut random = Random::of("agent");
    for number in 0..TIMES {
        host.remote.set_host("web1", &format!("  etc.\"number\" = \"{number}\";"));
        let commit = host.remote.commit(&format!("commit {number}"));
        // It may still wait to be started again.
        machine.wait_until("the agent looks", LIMIT, || machine.run(&["systemctl", "reload", AGENT]).success());
        // From the look at the remote to the tests.
        let pause = random.wait_for_a_moment_of(number, TIMES, Duration::from_millis(2500));
        machine.succeed(&["systemctl", "kill", "--signal=KILL", AGENT]);
        let what = format!("commit {number}, after a kill at {pause:?}");
        machine.wait_until(&format!("{what}: it runs"), LIMIT, || host.runs(&commit));
        host.wait_until_idle("switch");
        let switch = host.last_run("switch");
        if ended_amid_a_restart(&switch) {
            println!("{what}: {}", switch.detail);
            host.must("switch");
        }
        host.wait_for(&format!("{what}: tested"), "GGGGG");
    }
    let runs = host.journal_runs();
    let is_untouched = |run: &Run| run.results == ["success"] || ended_amid_a_restart(run);
    assert!(runs.iter().all(is_untouched), "the agent's end is nobody else's: {runs:?}");
    for operation in ["pull", "switch", "test"] {
        let count = runs.iter().filter(|run| run.operation == operation).count();
        assert!(count > TIMES, "{operation}: {count}");
    }
}

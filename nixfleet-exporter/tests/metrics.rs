//! What `/metrics` says of made-up hosts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod hosts;
mod text_format;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nixfleet_core::observation::{
    AgentObservation, Observation, OperationHistory, PullRequestStatus, Reading, RemoteStatus, SystemObservation,
    TestsSetup,
};
use nixfleet_exporter::exposition::Format;
use nixfleet_exporter::{Failure, Snapshot, build, metrics};
use proptest::prelude::*;
use text_format::{names, of, read};
use world::scenario::{Host, now, revision};
use world::skipped::skipped;

fn text(observation: Observation) -> String {
    Format::Text.encode(&hosts::snapshot(observation)).unwrap()
}

fn nothing_observed() -> Observation {
    Observation {
        agent: AgentObservation {
            heartbeat: Reading::NotObserved,
            pinned_revision: None,
            observer_version: "0.1.0".into(),
        },
        repository: Reading::NotObserved,
        local_lock: Reading::NotObserved,
        remote: RemoteStatus { url: None, branch: None, last_good: None, last_attempt: None, problem: None },
        divergence: None,
        pull_requests: PullRequestStatus::default(),
        system: SystemObservation::not_observed(),
        operations: OperationHistory::default(),
        tests: TestsSetup::NotObserved,
        last_test_run: None,
        ..Host::base().0
    }
}

/// The names in the table of `docs/metrics.md`.
fn documented() -> BTreeSet<String> {
    let rows = include_str!("../../docs/metrics.md").lines().filter_map(|line| line.strip_prefix("| `nixfleet_"));
    rows.map(|row| format!("nixfleet_{}", row.split('`').next().unwrap())).collect()
}

#[test]
fn golden_text_in_both_formats() {
    let snapshot = hosts::snapshot(hosts::full());
    for (name, format) in [("full_host.txt", Format::Text), ("full_host.openmetrics", Format::OpenMetrics)] {
        let text = format.encode(&snapshot).unwrap();
        // What differs from build to build.
        let text = text
            .replace(&format!("revision=\"{}\",rustversion", build::REVISION), "revision=\"REVISION\",rustversion")
            .replace(&format!("rustversion=\"{}\"", build::RUST_VERSION), "rustversion=\"RUST\"");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_reference_has_exactly_the_metrics_that_there_are() {
    assert_eq!(names(&text(hosts::full())), documented());
    assert_eq!(names(&metrics::openmetrics(&hosts::snapshot(hosts::full())).unwrap()), documented());
}

#[test]
fn a_host_keeps_within_the_bounds() {
    let series = read(&text(hosts::maximal()));
    let (tests, others): (Vec<_>, Vec<_>) = series.iter().partition(|series| series.name == "nixfleet_test_result");
    assert_eq!(tests.len(), metrics::TESTS);
    assert!(others.len() <= metrics::SERIES, "{} series", others.len());
    assert!(others.len() > metrics::SERIES - 3, "{} series: room is left unused", others.len());
    assert_eq!(of(&series, "nixfleet_operations_total").len(), 28);
    assert_eq!(of(&series, "nixfleet_pull_request_info").len(), metrics::PULL_REQUESTS);
    assert_eq!(of(&series, "nixfleet_pull_request_open")[0].value, "50");

    let inputs: Vec<&str> =
        of(&series, "nixfleet_flake_input_outdated").iter().map(|series| series.label("input")).collect();
    assert_eq!(inputs, ["nixfleet", "nixpkgs"]);
    assert_eq!(inputs.len(), metrics::INPUTS_MIN);

    let failed = tests.iter().take_while(|test| test.value == "0");
    let failed: Vec<&str> = failed.map(|test| test.label("test")).collect();
    assert_eq!(failed, (80..100).map(|number| number.to_string()).collect::<Vec<_>>());
    let counts: Vec<&str> = of(&series, "nixfleet_tests").iter().map(|series| series.value.as_str()).collect();
    assert_eq!(counts, ["70", "20", "10"]);
}

#[test]
fn the_inputs_of_a_usual_host_fill_what_is_left() {
    let mut host = hosts::maximal();
    for operation in nixfleet_core::observation::Operation::ALL {
        host.operations.of_mut(operation).totals.clear();
    }
    let series = read(&text(host));
    assert_eq!(of(&series, "nixfleet_operations_total").len(), 8, "success and failed count from 0");
    assert!(of(&series, "nixfleet_operations_total").iter().all(|counter| counter.value == "0"));
    assert_eq!(of(&series, "nixfleet_flake_input_outdated").len(), 12);
    assert_eq!(of(&series, "nixfleet_flake_input_outdated").iter().filter(|input| input.value == "1").count(), 1);
}

#[test]
fn the_states_are_one_hot_and_always_all_there() {
    let failed = Snapshot::failed(Failure::TimedOut(Duration::from_secs(5)), now());
    let failed = Format::Text.encode(&Arc::new(failed)).unwrap();
    for text in [text(hosts::full()), text(Host::fresh().0), text(nothing_observed()), failed] {
        let series = read(&text);
        let states = of(&series, "nixfleet_compartment_state");
        assert_eq!(states.len(), 25);
        for compartment in ["agent", "git", "lock", "system", "tests"] {
            let of_one = states.iter().filter(|series| series.label("compartment") == compartment);
            assert_eq!(of_one.filter(|series| series.value == "1").count(), 1, "{compartment}");
        }
    }
}

#[test]
fn nothing_observed_is_absent_not_zero() {
    let names = names(&text(nothing_observed()));
    let expected = ["nixfleet_build_info", "nixfleet_compartment_state", "nixfleet_exporter_collect_errors"];
    assert_eq!(names, expected.map(String::from).into());
}

#[test]
fn a_fresh_host_has_no_value_that_nobody_knows() {
    let series = read(&text(Host::fresh().0));
    for absent in ["nixfleet_git_info", "nixfleet_tests", "nixfleet_operation_last_exit_code", "nixfleet_lock_info"] {
        assert!(of(&series, absent).is_empty(), "{absent}");
    }
    let agent = of(&series, "nixfleet_agent_info")[0];
    assert_eq!((agent.label("version"), agent.label("expected_version")), ("", "0.1.0"));
    assert_eq!(of(&series, "nixfleet_system_info")[0].label("revision"), "");
}

#[test]
fn a_collection_that_failed_says_so() {
    let failed = Snapshot::failed(Failure::Panicked, now());
    let series = read(&Format::Text.encode(&Arc::new(failed)).unwrap());
    let errors = of(&series, "nixfleet_exporter_collect_errors");
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].label("source"), errors[0].value.as_str()), ("observation", "1"));
    let unknown = of(&series, "nixfleet_compartment_state").into_iter().filter(|series| series.value == "1");
    assert!(unknown.map(|series| series.label("state").to_owned()).all(|state| state == "unknown"));
}

#[test]
fn a_source_that_cannot_be_read_is_an_error_gauge() {
    let mut host = Host::base().0;
    host.system.generations = Reading::Unreadable("secret words".into());
    host.operations.problem = Some("cannot read the journal".into());
    let text = text(host);
    let series = read(&text);
    let errors = of(&series, "nixfleet_exporter_collect_errors").into_iter().filter(|series| series.value == "1");
    let errors: Vec<&str> = errors.map(|series| series.label("source")).collect();
    assert_eq!(errors, ["generations", "journal"]);
    assert!(of(&series, "nixfleet_operation_running").is_empty(), "an unreadable journal does not say that none runs");
    assert!(of(&series, "nixfleet_operations_total").is_empty());
    assert!(!text.contains("secret") && !text.contains("cannot read"));
}

#[test]
fn zero_and_one_from_the_same_rules_as_the_states() {
    let gauge = |host: Host, name: &str| of(&read(&text(host.0)), name)[0].value.clone();
    let changed = |host| gauge(host, "nixfleet_system_changed_outside");
    assert_eq!(changed(Host::base()), "0");
    assert_eq!(changed(Host::base().switched_by_hand('f')), "1");
    assert_eq!(changed(Host::base().switched_by_hand('a')), "0", "it carries local HEAD");
    assert_eq!(changed(Host::base().remote_has_newer_commit().pulled().switched()), "0");
    assert_eq!(changed(Host::base().switch_fails_but_new_system_runs()), "0", "a failed switch is nixfleet's own");
    let mut dirty = Host::base().switch_fails_but_new_system_runs();
    if let Reading::Present(running) = &mut dirty.0.system.running {
        running.revision = None;
    }
    assert_eq!(changed(dirty), "0", "a failed switch is nixfleet's own, whatever it carries");
    let mut unreadable = Host::base().0;
    unreadable.operations = OperationHistory { problem: Some("cannot read".into()), ..OperationHistory::default() };
    let names = names(&text(unreadable));
    assert!(!names.contains("nixfleet_system_changed_outside") && !names.contains("nixfleet_system_rollback_held"));
    let held = |host| gauge(host, "nixfleet_system_rollback_held");
    assert_eq!(held(Host::base()), "0");
    assert_eq!(held(Host::base().tests_failed().rolled_back()), "1");
    assert_eq!(held(Host::base().rolled_back().remote_has_newer_commit().pulled()), "0", "a fix was pulled");
    assert_eq!(held(Host::base().held_by_a_person()), "0", "what is held runs");
    assert_eq!(held(Host::base().rolled_back().switched_by_hand('a')), "0", "what is held runs again");
    assert_eq!(held(Host::base().remote_has_newer_commit().pulled().held_by_a_person()), "1", "held before it runs");
}

#[test]
fn urls_carry_no_secret_and_series_are_unique() {
    let mut host = hosts::maximal();
    let open = &mut host.pull_requests.last_good.as_mut().unwrap().open;
    open[1] = open[0].clone();
    if let Reading::Present(lock) = &mut host.local_lock {
        lock.inputs.push(hosts::input("nixpkgs"));
        // Alike once they are cut.
        lock.inputs.extend(["a", "b"].map(|end| hosts::input(&format!("{}{end}", "0".repeat(300)))));
    }
    let text = text(host);
    assert!(!text.contains("secret"), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let keys: BTreeSet<&str> = lines.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    assert_eq!(keys.len(), lines.len(), "twice the same series");
}

/// Prometheus' own checker has nothing to say.
#[test]
fn promtool_check_metrics() {
    let failed = Arc::new(Snapshot::failed(Failure::NoThread, now()));
    for (name, snapshot) in [
        ("full", hosts::snapshot(hosts::full())),
        ("maximal", hosts::snapshot(hosts::maximal())),
        ("hostile", hosts::snapshot(hosts::hostile())),
        ("fresh", hosts::snapshot(Host::fresh().0)),
        ("nothing observed", hosts::snapshot(nothing_observed())),
        ("failed", failed),
    ] {
        let text = Format::Text.encode(&snapshot).unwrap();
        let promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = match promtool {
            Ok(promtool) => promtool,
            Err(error) => {
                skipped(&format!("promtool cannot be run: {error}"));
                return;
            }
        };
        promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}\n{text}");
    }
}

proptest! {
    /// Any branch name comes out as it went in, up to the bound.
    #[test]
    fn any_label_survives(branch in any::<String>()) {
        let mut host = Host::base().0;
        host.remote.branch = Some(branch.clone());
        for format in [Format::Text, Format::OpenMetrics] {
            let text = format.encode(&hosts::snapshot(host.clone())).unwrap();
            let series = read(&text);
            let info = of(&series, "nixfleet_git_info");
            prop_assert_eq!(info[0].label("branch"), branch.as_str());
            prop_assert_eq!(info[0].label("local_revision").to_owned(), revision('a').to_string());
            prop_assert_eq!(of(&series, "nixfleet_build_info").len(), 1, "the rest is still there");
        }
    }

    #[test]
    fn any_long_label_is_bounded(name in "\\PC{200,400}") {
        let mut host = Host::base().0;
        host.last_test_run.as_mut().unwrap().tests[0].name = name.clone();
        let text = text(host);
        let series = read(&text);
        let found = of(&series, "nixfleet_test_result").into_iter().map(|series| series.label("test")).find(|label| *label != "20-web").unwrap();
        prop_assert!(found.chars().count() <= 256);
        prop_assert!(name.starts_with(found.trim_end_matches('…')) );
    }
}

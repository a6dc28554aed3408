//! The rules and alerts, by promtool, and whether every one of them is tested and has its page in the handbook.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::process::Command;

use nixfleet_core::model::State;
use world::monitoring::repository;
use world::monitoring::rules::{ALERTS, RECORDING, names, text};
use world::skipped::skipped;

const TESTS: [&str; 5] = ["hosts", "fleet", "kept_for_days", "alerts", "alerts_after_days"];

fn test_file(name: &str) -> String {
    format!("tests/monitoring/{name}_test.yaml")
}

/// Runs promtool, which must have nothing to complain about.
fn promtool(arguments: &[&str], files: &[String]) {
    let mut command = Command::new("promtool");
    command.args(arguments).args(files.iter().map(|file| repository(file)));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            skipped(&format!("promtool cannot be run: {error}"));
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn promtool_accepts_the_rules() {
    promtool(&["check", "rules", "--lint-fatal"], &[RECORDING.to_owned(), ALERTS.to_owned()]);
}

#[test]
fn hosts_and_fleets_are_recorded_as_they_should() {
    promtool(&["test", "rules"], &TESTS[..3].iter().map(|name| test_file(name)).collect::<Vec<_>>());
}

#[test]
fn alerts_fire_and_resolve_as_they_should() {
    promtool(&["test", "rules"], &[test_file("alerts")]);
}

#[test]
fn alerts_that_take_days_fire_and_resolve_as_they_should() {
    promtool(&["test", "rules"], &[test_file("alerts_after_days")]);
}

#[test]
fn every_rule_has_a_test() {
    let tests: String = TESTS.iter().map(|name| text(&test_file(name))).collect();
    let expressions: Vec<&str> = tests.lines().filter(|line| line.contains("- expr: ")).collect();
    let records = names(&text(RECORDING), "record");
    assert!(records.len() > 10, "{records:?}");
    for record in &records {
        assert!(expressions.iter().any(|line| line.contains(record.as_str())), "{record} is not tested");
    }
}

#[test]
fn every_alert_is_seen_not_to_fire_to_fire_and_to_resolve() {
    let tests: String = ["alerts", "alerts_after_days"].iter().map(|name| text(&test_file(name))).collect();
    let alerts = names(&text(ALERTS), "alert");
    assert!(alerts.len() > 15, "{alerts:?}");
    for alert in &alerts {
        let expression = format!("- expr: ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}");
        let expected: Vec<bool> = tests
            .split(&expression)
            .skip(1)
            .map(|after| after.lines().find(|line| line.contains("exp_samples:")).unwrap().ends_with("[]"))
            .collect();
        let [first, .., last] = expected[..] else { panic!("{alert} is looked at {} times", expected.len()) };
        // The first look of an alert's first test, and the last of its last but for tests that only ask whether it fires.
        assert!(first, "{alert}: there is no look before it fires");
        assert!(expected.iter().any(|empty| !empty), "{alert} never fires");
        let fires = expected.iter().position(|empty| !empty).unwrap();
        assert!(expected[fires..].iter().any(|empty| *empty), "{alert} never resolves, last: {last}");
    }
}

#[test]
fn every_alert_says_what_to_do_and_has_a_page() {
    let rules = text(ALERTS);
    let overview = text("docs/alerts.md");
    let alerts = names(&rules, "alert");
    for (alert, rule) in alerts.iter().zip(rules.split("- alert: ").skip(1)) {
        // Where a line of the text ends is of no interest.
        let words = rule.split_whitespace().collect::<Vec<_>>().join(" ");
        let next = words.split("Next: ").nth(1).unwrap_or_else(|| panic!("{alert} does not say what to do next"));
        assert!(next.contains('`'), "{alert} names no command");
        assert!(rule.contains("summary: "), "{alert}");
        let address = format!("runbook_url: https://github.com/nixfleet/nixfleet/blob/main/docs/alerts/{alert}.md\n");
        assert!(rule.contains(&address), "{alert} does not lead to its page");
        assert!(overview.contains(&format!("(alerts/{alert}.md)")), "{alert} is not in docs/alerts.md");
        let page = text(&format!("docs/alerts/{alert}.md"));
        assert!(page.starts_with(&format!("# {alert}\n")), "{alert}");
        for heading in ["## What it means", "## What to do"] {
            assert!(page.contains(heading), "{alert}: {heading} is missing");
        }
        if alert != "NixfleetManyHosts" {
            assert!(
                ["critical", "warning", "info"].iter().any(|one| rule.contains(&format!("severity: {one}\n"))),
                "{alert}"
            );
        }
    }
    for page in std::fs::read_dir(repository("docs/alerts")).unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        let alert = name.strip_suffix(".md").unwrap();
        assert!(alerts.iter().any(|known| known == alert), "docs/alerts/{name} is the page of no alert");
    }
}

#[test]
fn codes_are_the_order_of_urgency_that_everything_else_sorts_by() {
    let rules = text(RECORDING);
    for state in State::ALL {
        let expected = format!("(nixfleet_compartment_state{{state=\"{state}\"}} == 1) * {}", state.urgency());
        assert!(rules.contains(&expected), "{state} has another code than {}", state.urgency());
        let counted = format!(":last == bool {}), \"state\", \"{state}\"", state.urgency());
        assert!(rules.contains(&counted), "{state} is counted by another code");
    }
}

/// Prometheus 3 took away or changed these; what is valid in both is used only.
#[test]
fn nothing_is_used_that_prometheus_3_changed() {
    for path in [RECORDING, ALERTS] {
        let rules = text(path);
        for gone in ["holt_winters", "@ ", "le=", "quantile_over_time"] {
            assert!(!rules.contains(gone), "{path}: {gone}");
        }
    }
}

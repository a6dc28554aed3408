//! The dashboards: their layout, and every query against a real Prometheus that scrapes real exporters.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::collections::BTreeSet;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use world::monitoring::dashboard::{DASHBOARDS, Dashboard, Target, elements, string, targets};
use world::monitoring::example_fleet::{ExampleFleet, HOSTS, QUOTES};
use world::monitoring::panel_fields::fields;
use world::monitoring::repository;
use world::skipped::skipped;

const LIMIT: Duration = Duration::from_mins(3);

#[test]
fn every_query_answers_in_the_shape_that_its_panel_wants() {
    let Some(fleet) = ExampleFleet::start() else { return };
    for dashboard in DASHBOARDS.map(Dashboard::read) {
        // A dashboard of all hosts asks the same, whatever the host.
        let asked: &[&str] = if dashboard.variables().iter().any(|one| one == "host") { &HOSTS } else { &HOSTS[..1] };
        for panel in dashboard.panels() {
            let title = dashboard.title(panel);
            let started = Instant::now();
            // On a machine under load a scrape or a rule comes late, and Grafana asks again, too.
            while let Err(missing) = is_answered(&fleet, panel, asked, &title) {
                assert!(started.elapsed() < LIMIT, "{title}: {missing}");
                thread::sleep(Duration::from_secs(1));
            }
        }
    }
}

/// Whether somebody answers each query of a panel, and one host all of them; else what is missing.
fn is_answered(fleet: &ExampleFleet, panel: &Value, asked: &[&str], title: &str) -> Result<(), String> {
    let mut answered: BTreeSet<String> = BTreeSet::new();
    let mut shaped = targets(panel).is_empty();
    for host in asked {
        let answers: Vec<(Target, Vec<Value>)> =
            targets(panel).into_iter().map(|target| (target.clone(), fleet.ask(&target, host))).collect();
        let full = |answer: &&(Target, Vec<Value>)| !answer.1.is_empty();
        answered.extend(answers.iter().filter(full).map(|(target, _)| target.ref_id.clone()));
        if answers.iter().all(|(_, series)| !series.is_empty()) && !answers.is_empty() {
            let fields = fields(panel, &answers).map_err(|error| format!("{host}: {error}"))?;
            overrides_meet_fields(panel, &fields, title);
            shaped = true;
        }
    }
    for target in targets(panel) {
        if !answered.contains(&target.ref_id) {
            return Err(format!("nobody answers {}", target.expression));
        }
    }
    if shaped { Ok(()) } else { Err("no host answers all of its queries".to_owned()) }
}

/// Every override and every link is about a field that is there.
fn overrides_meet_fields(panel: &Value, fields: &BTreeSet<String>, title: &str) {
    let mut overrides: Vec<&Value> = elements(&panel["fieldConfig"]["overrides"]).collect();
    if panel["type"] == "table" {
        // Else each empty cell would say what an empty panel says.
        let first = overrides.remove(0);
        assert_eq!(first["matcher"]["id"], "byRegexp", "{title}");
        assert_eq!(first["properties"], serde_json::json!([{ "id": "noValue", "value": "-" }]), "{title}");
    }
    for one in overrides {
        assert_eq!(one["matcher"]["id"], "byName", "{title}");
        let name = string(&one["matcher"]["options"]);
        assert!(fields.contains(&name), "{title}: there is an override for {name}, but there are only {fields:?}");
    }
    for part in panel.to_string().split("${__data.fields.").skip(1) {
        let name = part.split(['}', ':']).next().unwrap();
        assert!(fields.contains(name), "{title}: a link asks for {name}, but there are only {fields:?}");
    }
    for key in elements(&panel["options"]["sortBy"]) {
        let name = string(&key["displayName"]);
        assert!(fields.contains(&name), "{title}: sorted by {name}, but there are only {fields:?}");
    }
}

#[test]
fn the_table_of_the_fleet_has_one_row_per_host_and_the_worst_first() {
    let Some(fleet) = ExampleFleet::start() else { return };
    let dashboard = Dashboard::read("nixfleet-fleet");
    let panel = dashboard.panels().into_iter().find(|panel| panel["title"] == "Hosts, worst first").unwrap();
    let value = |ref_id: &str, host: &str| {
        let target = targets(panel).into_iter().find(|target| target.ref_id == ref_id).unwrap();
        let series = fleet.while_all_is_seen(|| fleet.ask(&target, host));
        let own: Vec<&Value> = series.iter().filter(|one| one["metric"]["host"] == host).collect();
        match own[..] {
            [] => None,
            [one] => Some(one["value"][1].as_str().unwrap().parse::<f64>().unwrap()),
            _ => panic!("{ref_id}: {host} has {} rows", own.len()),
        }
    };
    for host in HOSTS {
        for target in targets(panel) {
            if target.is_table {
                // At most one row, or this panics.
                value(&target.ref_id, host);
            }
        }
    }
    // Its tests failed: red, and before all others.
    assert_eq!(value("tests", "web2"), Some(4.0));
    let urgency = |host: &str| value("urgency", host).unwrap();
    assert!(["web1", QUOTES, "127.0.0.1", "web5"].iter().all(|host| urgency(host) < urgency("web2")));
    // It is down: its agent is gray, the rest as it was.
    assert_eq!(value("agent", "web5"), Some(2.0));
    assert_eq!(value("lock", "web5"), Some(3.0));
    assert_eq!(value("system", "web5"), Some(0.0));
    assert_eq!(value("generation", "web5"), value("generation", "web1"));
    assert!(value("seen", "web5") < value("seen", "web1"));
    assert_eq!(value("agent", "web1"), Some(0.0));
    // Of its two exporters one sees the pull request.
    assert_eq!(value("lock", "web6"), Some(3.0));
    // What an exporter does not know is gray, or an empty cell.
    assert_eq!((value("git", "old"), value("tests", "old"), value("generation", "old")), (Some(0.0), Some(2.0), None));
}

#[test]
fn panels_lie_beside_each_other_and_say_what_they_show() {
    for dashboard in DASHBOARDS.map(Dashboard::read) {
        let json = &dashboard.json;
        assert_eq!(json["uid"], dashboard.name);
        // Grafana 11.
        assert!(json["schemaVersion"].as_u64().unwrap() >= 39);
        assert_eq!(json.get("id"), None, "{}: an id is of one Grafana only", dashboard.name);
        let mut cells: BTreeSet<(u64, u64)> = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in elements(&json["panels"]) {
            let title = dashboard.title(panel);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is taken");
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("w") > 0 && at("h") > 0 && at("x") + at("w") <= 24, "{title} is not on the grid");
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(cells.insert((x, y)), "{title} lies on another panel at {x}, {y}");
                }
            }
            assert_eq!(panel["repeat"], Value::Null, "{title}: a thousand hosts would make a thousand panels");
            let mut references = BTreeSet::new();
            for target in elements(&panel["targets"]) {
                assert!(references.insert(string(&target["refId"])), "{title}: a refId is taken");
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
                assert_ne!(target["instant"], target["range"], "{title}");
            }
            if panel["type"] != "row" && panel["type"] != "text" {
                assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
                assert!(!string(&panel["title"]).is_empty());
                assert!(
                    panel["fieldConfig"]["defaults"]["noValue"].is_string(),
                    "{title}: says nothing where nothing is"
                );
            }
        }
        // No gap: each row of the grid down to the last is taken.
        let last = cells.iter().map(|(_, y)| *y).max().unwrap();
        assert!((0..=last).all(|y| cells.iter().any(|cell| cell.1 == y)), "{}: there is a gap", dashboard.name);
    }
}

#[test]
fn variables_are_there_and_colours_come_with_words() {
    let built_in = ["__value.raw", "__url_time_range", "__data.fields"];
    for dashboard in DASHBOARDS.map(Dashboard::read) {
        let (text, variables) = (dashboard.json.to_string(), dashboard.variables());
        for part in text.split("${").skip(1) {
            let name = part.split(['}', ':']).next().unwrap();
            let known =
                variables.iter().any(|variable| variable == name) || built_in.iter().any(|one| name.starts_with(one));
            assert!(known, "{}: there is no variable {name}", dashboard.name);
        }
        for variable in &variables {
            assert!(text.contains(&format!("${{{variable}")), "{}: nothing uses {variable}", dashboard.name);
        }
        // States by their word, in each place that has their colours.
        let mappings = text.matches("\"color\":\"yellow\",\"index\":3,\"text\":\"outdated\"").count();
        assert!(mappings > 0, "{}", dashboard.name);
        assert_eq!(mappings, text.matches("\"color\":\"red\",\"index\":4,\"text\":\"error\"").count());
        assert_eq!(mappings, text.matches("\"match\":\"null+nan\"").count());
    }
}

#[test]
fn the_foundation_sdk_of_grafana_passes_them_through_unchanged() {
    let script = repository("tests/monitoring/through-sdk");
    let files = DASHBOARDS.map(|name| repository(&format!("modules/monitoring/dashboards/{name}.json")));
    let output = Command::new(script).args(files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => assert_eq!(said.matches("unchanged").count(), DASHBOARDS.len(), "{said}"),
        Some(77) => skipped(&said),
        other => panic!("{other:?}: {said}"),
    }
}

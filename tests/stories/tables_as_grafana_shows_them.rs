//! The tables of the dashboards, made by Grafana's own code of what a real Prometheus answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use world::monitoring::dashboard::{DASHBOARDS, Dashboard, Target, targets};
use world::monitoring::example_fleet::{ExampleFleet, HOSTS, QUOTES};
use world::monitoring::repository;
use world::skipped::skipped;

/// The rows of each panel; none, said aloud, where Grafana's code cannot be had.
fn rows(panels: &[Value]) -> Option<Vec<Vec<Value>>> {
    let script = repository("tests/monitoring/grafana-tables/run");
    let mut child =
        Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = Value::from(panels.to_vec()).to_string();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) {
        skipped(&said);
        return None;
    }
    assert!(output.status.success(), "{said}");
    writer.join().unwrap().unwrap();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A panel with its answers.
fn answered(fleet: &ExampleFleet, panel: &Value, host: &str) -> Value {
    let answer = |target: Target| json!({ "refId": target.ref_id, "series": fleet.ask(&target, host) });
    let answers: Vec<Value> = fleet.while_all_is_seen(|| targets(panel).into_iter().map(&answer).collect());
    json!({ "panel": panel, "answers": answers })
}

#[test]
fn hosts_are_shown_by_words_and_colours_with_the_worst_first() {
    let Some(fleet) = ExampleFleet::start() else { return };
    let dashboard = Dashboard::read("nixfleet-fleet");
    let panel = dashboard.panels().into_iter().find(|panel| panel["title"] == "Hosts, worst first").unwrap();
    let mut with_a_gap = answered(&fleet, panel, "");
    let answers = with_a_gap["answers"].as_array_mut().unwrap();
    answers.iter_mut().find(|answer| answer["refId"] == "behind").unwrap()["series"] = json!([]);
    let Some(tables) = rows(&[answered(&fleet, panel, ""), with_a_gap]) else { return };
    for table in &tables {
        assert_eq!(table.len(), HOSTS.len(), "{table:#?}");
        let texts = |host: &str| {
            let row = table.iter().find(|row| row["Host"]["text"] == host).unwrap();
            let columns = ["Agent", "Git", "Lock", "System", "Tests", "Drift", "Reboot"];
            columns.map(|column| row[column]["text"].as_str().unwrap())
        };
        assert_eq!(table[0]["Host"]["text"], "web2");
        assert_eq!(texts("web2"), ["ok", "ok", "ok", "ok", "error", "off majority", "needed"]);
        assert_eq!(texts("web1"), ["ok", "ok", "outdated", "ok", "ok", "-", "-"]);
        assert_eq!(texts("web5"), ["unknown", "ok", "outdated", "ok", "ok", "-", "-"]);
        assert_eq!(texts(QUOTES), ["ok", "ok", "ok", "ok", "ok", "off majority", "-"]);
        assert_eq!(texts("old"), ["unknown", "ok", "unknown", "unknown", "unknown", "-", "-"]);
        let row = &table[0];
        assert_eq!(row["Revision"]["text"].as_str().unwrap().len(), 7, "{row}");
        assert_eq!(row["Generation"]["text"], "42");
        assert!(row["Last switch"]["text"].as_str().unwrap().ends_with(" ago"), "{row}");
        // Grafana's red and green; the gray is the dashboard's own.
        assert_eq!((&row["Tests"]["color"], &row["Git"]["color"]), (&json!("#F2495C"), &json!("#73BF69")));
        let gray = table.iter().find(|row| row["Host"]["text"] == "web5").unwrap();
        assert_eq!(gray["Agent"]["color"], "#8e8e8e");
        for hidden in ["Time", "Urgency", "Value", "local_revision", "system_info"] {
            assert_eq!(row.get(hidden), None, "{hidden} is shown");
        }
    }
    assert_eq!(tables[0][0]["Behind"]["text"], "0");
}

#[test]
fn no_table_shows_what_only_prometheus_needs() {
    let Some(fleet) = ExampleFleet::start() else { return };
    let dashboards = DASHBOARDS.map(Dashboard::read);
    let tables: Vec<(String, &str, &Value)> = dashboards
        .iter()
        .flat_map(|dashboard| dashboard.panels().into_iter().map(move |panel| (dashboard.title(panel), panel)))
        .filter(|(_, panel)| panel["type"] == "table")
        .flat_map(|(title, panel)| HOSTS.map(|host| (title.clone(), host, panel)))
        .collect();
    let questions: Vec<Value> = tables.iter().map(|(_, host, panel)| answered(&fleet, panel, host)).collect();
    let Some(answers) = rows(&questions) else { return };
    let mut filled = std::collections::BTreeSet::new();
    for ((title, host, _), rows) in tables.iter().zip(&answers) {
        for row in rows {
            filled.insert(title);
            for (column, cell) in row.as_object().unwrap() {
                let internal = column.starts_with("Value") || column.starts_with("Time") || column.contains('_');
                assert!(!internal, "{title}, {host}: the column {column} is shown");
                assert_ne!(cell["text"], "", "{title}, {host}: a cell of {column} says nothing");
                let text = cell["text"].as_str().unwrap();
                assert!(!text.contains("undefined") && !text.contains("NaN"), "{title}, {host}: {column} says {text}");
            }
        }
    }
    let titles: std::collections::BTreeSet<&String> = tables.iter().map(|(title, ..)| title).collect();
    assert_eq!(filled, titles, "some tables are empty for every host");
}

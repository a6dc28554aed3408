//! Alerts from real hosts, through a real Prometheus, to a real Alertmanager with the example configuration.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use world::example_flake::UPDATED;
use world::example_host::ExampleHost;
use world::exporter::Exporter;
use world::monitoring::alertmanager::{Alertmanager, named};
use world::monitoring::many_hosts::many_hosts;
use world::monitoring::rules;
use world::monitoring::server::Server;
use world::programs::User;
use world::prometheus::{OFTEN, Prometheus};

/// The example, with a receiver that is there and a wait of seconds, in which the alerts that follow from each other have to come.
fn configuration(receiver: &Server) -> String {
    let example = rules::text("modules/monitoring/alertmanager-example.yaml");
    assert_eq!(example.matches("http://127.0.0.1:9/replace-me").count(), 2);
    assert_eq!(example.matches("group_wait: 2m").count(), 1);
    let url = format!("http://127.0.0.1:{}/", receiver.port);
    example.replace("http://127.0.0.1:9/replace-me", &url).replace("group_wait: 2m", "group_wait: 15s")
}

/// A Prometheus with the rules, hurried, that tells this Alertmanager.
fn prometheus(alertmanager: &Alertmanager, rules: &std::path::Path, scrape_configurations: &str) -> Option<Prometheus> {
    rules::write_hurried(rules);
    let text = format!(
        "global: {{ {OFTEN} }}\n\
         rule_files: ['{}/*.yaml']\n\
         alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['127.0.0.1:{}'] }}] }}] }}\n\
         scrape_configs:\n{scrape_configurations}",
        rules.display(),
        alertmanager.port,
    );
    Prometheus::configured(&text, None)
}

fn wait_until(what: &str, holds: impl Fn() -> Result<(), String>) {
    let started = Instant::now();
    while let Err(state) = holds() {
        assert!(started.elapsed() < Duration::from_mins(4), "{what}: {state}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_revision_that_breaks_several_hosts_is_one_message_and_a_host_that_is_down_is_one_more() {
    let user = User::nobody();
    let mut broken = ExampleHost::new();
    broken.update_pull_request_opens(UPDATED);
    broken.update_pull_request_is_merged();
    broken.pulled();
    broken.switched();
    broken.tests_failed();
    broken.agent_lives();
    let well = ExampleHost::new();
    well.agent_lives();
    // Three hosts with the same revision, and one that is well. The third goes down later.
    let hosts = [("web1", &broken), ("web2", &broken), ("web3", &broken), ("web4", &well)];
    let mut exporters: Vec<(&str, Exporter)> =
        hosts.iter().map(|(name, host)| (*name, Exporter::start(&user, host.options()))).collect();

    let receiver = Server::start(String::new());
    let Some(alertmanager) = Alertmanager::start(&configuration(&receiver)) else { return };
    let mut targets = "- job_name: nixfleet\n  static_configs:\n".to_owned();
    for (name, exporter) in &exporters {
        writeln!(targets, "  - {{ targets: ['{}'], labels: {{ host: {name} }} }}", exporter.address).unwrap();
    }
    let rules = tempfile::tempdir().unwrap();
    let Some(_prometheus) = prometheus(&alertmanager, rules.path(), &targets) else { return };

    // The example's nixpkgs is from long ago: an alert of the fleet, once. The update brought a kernel. The host that is
    // well has another revision.
    let mut active = set(&[
        "NixfleetTestsFailedOnSeveralHosts",
        "NixfleetFlakeInputOld",
        "NixfleetDrifted web4",
        "NixfleetRebootRequired web1",
        "NixfleetRebootRequired web2",
        "NixfleetRebootRequired web3",
    ]);
    let failed = set(&["NixfleetTestsFailed web1", "NixfleetTestsFailed web2", "NixfleetTestsFailed web3"]);
    let mut inhibited = failed.clone();
    let seen = |active: &BTreeSet<String>, inhibited: &BTreeSet<String>| {
        let now = (alertmanager.alerts("--active"), alertmanager.alerts("--inhibited"));
        if now.0 == *active && now.1 == *inhibited { Ok(()) } else { Err(format!("{now:?}")) }
    };
    wait_until("three hosts failed", || seen(&active, &inhibited));

    let position = exporters.iter().position(|(name, _)| *name == "web3").unwrap();
    assert_eq!(exporters.remove(position).1.stop(), Some(0));
    active.insert("NixfleetHostDown web3".to_owned());
    inhibited.extend(active.take("NixfleetRebootRequired web3"));
    wait_until("one went down", || seen(&active, &inhibited));

    // Messages: what is critical to one receiver, the rest to the other; grouped by alert, not by host.
    let groups = alertmanager.groups();
    let tests_failed: Vec<&(String, Value, Vec<Value>)> =
        groups.iter().filter(|(_, labels, _)| labels["alertname"] == "NixfleetTestsFailed").collect();
    let [(receiver_name, labels, alerts)] = tests_failed[..] else { panic!("{groups:#?}") };
    assert_eq!(receiver_name, "somebody");
    assert_eq!(*labels, serde_json::json!({ "job": "nixfleet", "alertname": "NixfleetTestsFailed" }));
    assert_eq!(alerts.iter().map(|alert| named(&alert["labels"])).collect::<BTreeSet<_>>(), failed);
    wait_until("the messages are sent", || {
        let messages = messages(&receiver);
        let names: BTreeSet<String> = messages.iter().map(|one| name(one).to_owned()).collect();
        let expected = active.iter().map(|alert| alert.split(' ').next().unwrap().to_owned()).collect();
        if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
    });
    for message in messages(&receiver) {
        let expected = if ["NixfleetTestsFailedOnSeveralHosts", "NixfleetHostDown"].contains(&name(&message)) {
            "somebody-now"
        } else {
            "somebody"
        };
        assert_eq!(message["receiver"], expected, "{message:#}");
        let annotations = message["alerts"][0]["annotations"].to_string();
        assert!(!annotations.contains("<error"), "{annotations}");
    }
    let all = messages(&receiver);
    let message = all.iter().find(|one| name(one) == "NixfleetTestsFailedOnSeveralHosts").unwrap();
    let description = message["alerts"][0]["annotations"]["description"].as_str().unwrap();
    assert!(description.contains(broken.head().as_str()), "{description}");
}

#[test]
fn one_push_to_many_hosts_is_one_message() {
    let user = User::nobody();
    let host = ExampleHost::new();
    host.agent_lives();
    let scrape = Exporter::start(&user, host.options()).scrape().text;
    // What the forge's end does to all of them: none can read the remote. They have pinned what is new.
    let text = many_hosts(&scrape, 40, |_, line| {
        let states = "nixfleet_compartment_state{compartment=\"git\",state=";
        if line.starts_with(&format!("{states}\"ok\"")) {
            return Some(line.replace("} 1", "} 0"));
        }
        if line.starts_with(&format!("{states}\"error\"")) {
            return Some(line.replace("} 0", "} 1"));
        }
        let (series, _) = line.rsplit_once(' ').unwrap();
        let now = jiff::Timestamp::now().as_second();
        series.starts_with("nixfleet_flake_input_last").then(|| format!("{series} {now}"))
    });
    let fleet = Server::start(text);
    let receiver = Server::start(String::new());
    let Some(alertmanager) = Alertmanager::start(&configuration(&receiver)) else { return };
    let rules = tempfile::tempdir().unwrap();
    let targets = format!(
        "- {{ job_name: fleet, honor_labels: true, static_configs: [{{ targets: ['127.0.0.1:{}'] }}] }}\n",
        fleet.port
    );
    let Some(_prometheus) = prometheus(&alertmanager, rules.path(), &targets) else { return };

    wait_until("forty hosts cannot read their remote", || {
        let (active, inhibited) = (alertmanager.alerts("--active"), alertmanager.alerts("--inhibited"));
        let right = active == set(&["NixfleetManyHosts"]) && inhibited.len() == 40;
        if right { Ok(()) } else { Err(format!("active {active:?}, inhibited {}", inhibited.len())) }
    });
    wait_until("a message is sent", || if messages(&receiver).is_empty() { Err("none".to_owned()) } else { Ok(()) });
    let messages = messages(&receiver);
    let [message] = &messages[..] else { panic!("{} messages", messages.len()) };
    assert_eq!(name(message), "NixfleetManyHosts");
    let summary = &message["alerts"][0]["annotations"]["summary"];
    assert_eq!(summary, "40 hosts have the same trouble: remote-unreadable");
}

#[test]
fn what_follows_from_something_else_is_held_back_and_nothing_more() {
    let receiver = Server::start(String::new());
    let Some(alertmanager) = Alertmanager::start(&configuration(&receiver)) else { return };
    // Whether it is held back, and the alert.
    let alerts: &[(bool, &[&str])] = &[
        (false, &["NixfleetHostDown", "host=down", "kind=host-down"]),
        (true, &["NixfleetTestsFailed", "host=down", "kind=tests-failed", "revision=c"]),
        (true, &["NixfleetExporterErrors", "host=down", "kind=exporter-errors", "source=lock"]),
        (false, &["NixfleetTestsFailed", "host=up", "kind=tests-failed", "revision=c"]),
        (false, &["NixfleetFlakeInputOld", "input=nixpkgs"]),
        (false, &["DiskFull", "host=down"]),
        (false, &["NixfleetTestsFailedOnSeveralHosts", "revision=a"]),
        (true, &["NixfleetTestsFailed", "host=web1", "kind=tests-failed", "revision=a"]),
        (false, &["NixfleetSwitchFailed", "host=web2", "kind=switch-failed", "revision=a"]),
        (false, &["NixfleetSwitchFailedOnSeveralHosts", "revision=b"]),
        (true, &["NixfleetSwitchFailed", "host=web3", "kind=switch-failed", "revision=b"]),
        (false, &["NixfleetManyHosts", "kind=git-outdated"]),
        (true, &["NixfleetGitOutdated", "host=web4", "kind=git-outdated"]),
        (false, &["NixfleetLockOutdated", "host=web4", "kind=lock-outdated"]),
        (false, &["NixfleetHeld", "host=web5", "kind=held"]),
        (true, &["NixfleetDrifted", "host=web5", "kind=drifted"]),
        (false, &["NixfleetDrifted", "host=web6", "kind=drifted"]),
    ];
    for (_, labels) in alerts {
        alertmanager.add(&[labels, &["job=nixfleet"][..]].concat());
    }
    // The same host of another fleet.
    alertmanager.add(&["NixfleetGitOutdated", "host=down", "kind=git-outdated", "job=nixfleet-lab"]);

    let name = |labels: &[&str]| {
        let host = labels.iter().find_map(|label| label.strip_prefix("host=")).unwrap_or_default();
        format!("{} {host}", labels[0]).trim_end().to_owned()
    };
    let expected = |held_back: bool| -> BTreeSet<String> {
        alerts.iter().filter(|(expected, _)| *expected == held_back).map(|(_, labels)| name(labels)).collect()
    };
    let (mut active, inhibited) = (expected(false), expected(true));
    active.insert("NixfleetGitOutdated down".to_owned());
    wait_until("all are taken", || {
        let now = (alertmanager.alerts("--active"), alertmanager.alerts("--inhibited"));
        if now == (active.clone(), inhibited.clone()) { Ok(()) } else { Err(format!("{now:#?}")) }
    });
}

/// What the receiver got.
fn messages(receiver: &Server) -> Vec<Value> {
    receiver.received().iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

/// Of which alert a message is.
fn name(message: &Value) -> &str {
    message["groupLabels"]["alertname"].as_str().unwrap()
}

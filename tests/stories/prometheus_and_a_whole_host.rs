//! A real Prometheus scrapes the real exporter of a whole host.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use world::example_flake::{TESTS, UPDATED};
use world::example_host::ExampleHost;
use world::exporter::{Exporter, Scrape};
use world::metrics_reference::documented;
use world::programs::User;
use world::prometheus::{Prometheus, promtool_complaints};

/// A host on which there is something to say in every metric: an open pull request, operations of every kind.
fn host() -> ExampleHost {
    let mut host = ExampleHost::new();
    host.update_pull_request_opens(UPDATED);
    host.agent_lives();
    host
}

#[test]
fn every_documented_metric_can_be_queried() {
    let (host, user) = (host(), User::nobody());
    let exporter = Exporter::start(&user, host.options());
    let scrape = exporter.scrape();
    let mut shown: Vec<&str> = scrape.series().into_keys().map(|name| name.split('{').next().unwrap()).collect();
    shown.dedup();
    let documented = documented();
    for name in &shown {
        assert!(documented.iter().any(|documented| documented == name), "{name} is not documented");
    }
    for name in &documented {
        assert!(shown.contains(&name.as_str()), "{name} is not exported");
    }

    let Some(prometheus) = Prometheus::start(&[("nixfleet", &exporter.address)]) else { return };
    // On a machine under load a scrape takes too long now and then, and Prometheus has nothing of the host until the next one.
    for name in &documented {
        prometheus.wait_until(name, |series| !series.is_empty());
    }
    let states = prometheus.wait_until("nixfleet_compartment_state==1", |states| !states.is_empty());
    let states: Vec<_> = states.iter().map(|one| (&one["metric"]["compartment"], &one["metric"]["state"])).collect();
    assert_eq!(states.len(), 5, "{states:?}");
    assert!(states.iter().any(|(compartment, state)| *compartment == "lock" && *state == "outdated"), "{states:?}");
    let behind = &prometheus.wait_until("nixfleet_git_info", |info| !info.is_empty())[0]["metric"];
    assert_eq!(behind["local_revision"], host.head().as_str());
    let series = exporter.scrape().series().len().to_string();
    prometheus.wait_until("scrape_samples_scraped", |scraped| {
        scraped.first().is_some_and(|scraped| scraped["value"][1] == series.as_str())
    });
}

#[test]
fn promtool_has_nothing_to_complain_about() {
    let (mut host, user) = (host(), User::nobody());
    let exporter = Exporter::start(&user, host.options());
    let check = |what: &str| {
        let scrape = exporter.scrape();
        if let Some(complaints) = promtool_complaints(&scrape.text) {
            assert_eq!(complaints, "", "{what}");
        }
        assert!(scrape.series().len() <= 120 + TESTS.len(), "{what}: {} series", scrape.series().len());
    };
    check("a pull request is open");
    host.update_pull_request_is_merged();
    host.pull_starts();
    check("a pull runs");
    std::fs::remove_dir_all(&host.state.path).unwrap();
    check("the state is gone");
}

#[test]
fn a_restart_changes_nothing() {
    let (mut host, user) = (host(), User::nobody());
    host.update_pull_request_is_merged();
    host.pulled();
    let run = host.switch_starts();
    host.switch_fails(&run);
    host.tests_failed();
    host.switch_starts();

    let exporter = Exporter::start(&user, host.options());
    let before = exporter.scrape();
    assert_eq!(before.states(), "GGGBR");
    assert_eq!(before.since().len(), 5);
    assert_eq!(exporter.stop(), Some(0));
    let stopped = Exporter::start(&user, host.options());
    assert_same(&before, &stopped.scrape());
    // Dropped, it is killed.
    drop(stopped);
    assert_same(&before, &Exporter::start(&user, host.options()).scrape());
}

fn assert_same(before: &Scrape, after: &Scrape) {
    assert_eq!(before.since(), after.since());
    assert_eq!(before.text, after.text);
}

#[test]
fn scrapes_cost_the_host_nothing() {
    let (host, user) = (host(), User::nobody());
    let exporter = Exporter::start(&user, host.options());
    exporter.scrape();
    let before = world::directory_content::content(host.root.path());
    for _ in 0..5 {
        exporter.scrape();
        assert_eq!(exporter.get("/").status, 200);
    }
    assert_eq!(world::directory_content::content(host.root.path()), before);
}

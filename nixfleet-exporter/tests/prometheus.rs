//! A real Prometheus scrapes a real server and answers a query for each documented metric.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod client;
mod hosts;

use std::sync::Arc;
use std::time::Duration;

use client::Server;
use hosts::Fixed;
use serde_json::Value;
use world::prometheus::Prometheus;

#[test]
fn prometheus_scrapes_every_documented_metric() {
    let server = Server::start(Arc::new(Fixed(hosts::full())), Duration::from_secs(5));
    let hostile = Server::start(Arc::new(Fixed(hosts::hostile())), Duration::from_secs(5));
    let jobs = [("nixfleet", &*server.address.to_string()), ("hostile", &*hostile.address.to_string())];
    let Some(prometheus) = Prometheus::start(&jobs) else { return };
    // On a machine under load a scrape takes too long now and then, and Prometheus has nothing of the host until the next one.
    for name in &world::metrics_reference::documented() {
        prometheus.wait_until(name, |series| !series.is_empty());
    }
    // As PromQL stores it: a counter that can be rated, an info whose labels are whole, and no series lost on the way.
    prometheus.wait_until("nixfleet_compartment_state{job='nixfleet'}", |states| states.len() == 25);
    let is =
        |value: String| move |series: &[Value]| series.first().is_some_and(|one| one["value"][1] == value.as_str());
    prometheus.wait_until("sum(nixfleet_compartment_state)", is("10".to_owned()));
    let branch = |job: &str| {
        let info = prometheus.wait_until(&format!("nixfleet_git_info{{job='{job}'}}"), |info| !info.is_empty());
        info[0]["metric"]["branch"].clone()
    };
    assert_eq!((branch("nixfleet"), branch("hostile")), ("main".into(), hosts::HOSTILE.into()));
    for (job, server) in [("nixfleet", &server), ("hostile", &hostile)] {
        let series = series_of(server).to_string();
        prometheus.wait_until(&format!("scrape_samples_scraped{{job='{job}'}}"), is(series));
    }
}

fn series_of(server: &Server) -> usize {
    server.get("/metrics").body.lines().filter(|line| line.starts_with("nixfleet_")).count()
}

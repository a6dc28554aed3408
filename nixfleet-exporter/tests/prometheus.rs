//! A real Prometheus scrapes a real server and answers a query for each documented metric.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod client;
mod hosts;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use client::Server;
use hosts::Fixed;
use world::prometheus::Prometheus;

#[test]
fn prometheus_scrapes_every_documented_metric() {
    let server = Server::start(Arc::new(Fixed(hosts::full())), Duration::from_secs(5));
    let hostile = Server::start(Arc::new(Fixed(hosts::hostile())), Duration::from_secs(5));
    let jobs = [("nixfleet", &*server.address.to_string()), ("hostile", &*hostile.address.to_string())];
    let Some(prometheus) = Prometheus::start(&jobs) else { return };
    let started = Instant::now();
    while prometheus.query("up==1").len() < 2 {
        assert!(started.elapsed() < Duration::from_mins(4), "a first scrape did not succeed");
        thread::sleep(Duration::from_millis(200));
    }
    for name in &world::metrics_reference::documented() {
        assert!(!prometheus.query(name).is_empty(), "{name} is not in Prometheus");
    }
    // As PromQL stores it: a counter that can be rated, an info whose labels are whole, and no series lost on the way.
    assert_eq!(prometheus.query("nixfleet_compartment_state{job='nixfleet'}").len(), 25);
    assert_eq!(prometheus.query("sum(nixfleet_compartment_state)")[0]["value"][1], "10");
    assert_eq!(prometheus.query("nixfleet_git_info{job='nixfleet'}")[0]["metric"]["branch"], "main");
    let branch = &prometheus.query("nixfleet_git_info{job='hostile'}")[0]["metric"]["branch"];
    assert_eq!(*branch, hosts::HOSTILE);
    for (job, server) in [("nixfleet", &server), ("hostile", &hostile)] {
        let scraped = prometheus.query(&format!("scrape_samples_scraped{{job='{job}'}}"));
        assert_eq!(scraped[0]["value"][1], series_of(server).to_string(), "{job}");
    }
}

fn series_of(server: &Server) -> usize {
    server.get("/metrics").body.lines().filter(|line| line.starts_with("nixfleet_")).count()
}

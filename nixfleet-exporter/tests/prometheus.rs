//! A real Prometheus scrapes a real server and answers a query for each documented metric.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod client;
mod hosts;

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use client::{Answer, Server};
use hosts::Fixed;

struct Prometheus {
    process: Child,
    port: u16,
}

impl Prometheus {
    fn query(&self, expression: &str) -> Vec<serde_json::Value> {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return Vec::new() };
        let request = format!("GET /api/v1/query?query={expression} HTTP/1.0\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let answer = Answer::read(&mut stream);
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn prometheus_scrapes_every_documented_metric() {
    let server = Server::start(Arc::new(Fixed(hosts::full())), Duration::from_secs(5));
    let hostile = Server::start(Arc::new(Fixed(hosts::hostile())), Duration::from_secs(5));
    let directory = tempfile::tempdir().unwrap();
    let configuration = directory.path().join("prometheus.yml");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
         scrape_configs:\n\
         - {{ job_name: nixfleet, static_configs: [{{ targets: ['{}'] }}] }}\n\
         - {{ job_name: hostile, static_configs: [{{ targets: ['{}'] }}] }}\n",
        server.address, hostile.address
    );
    std::fs::write(&configuration, text).unwrap();
    let process = Command::new("prometheus")
        .arg(format!("--config.file={}", configuration.display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let prometheus = match process {
        Ok(process) => Prometheus { process, port },
        Err(error) => {
            eprintln!("SKIPPED: prometheus cannot be run: {error}");
            return;
        }
    };
    let started = Instant::now();
    while prometheus.query("up==1").len() < 2 {
        assert!(started.elapsed() < Duration::from_mins(1), "a first scrape did not succeed");
        thread::sleep(Duration::from_millis(200));
    }
    let rows = include_str!("../../docs/metrics.md").lines().filter_map(|line| line.strip_prefix("| `nixfleet_"));
    let names: Vec<String> = rows.map(|row| format!("nixfleet_{}", row.split('`').next().unwrap())).collect();
    assert!(names.len() > 30, "{names:?}");
    for name in &names {
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

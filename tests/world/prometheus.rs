//! A real Prometheus, and its promtool.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::monitoring::{http, listening};
use crate::skipped::skipped;

/// How often a Prometheus of the tests scrapes, and how long it waits for an answer: no host is down because the machine is
/// under load.
pub const OFTEN: &str = "scrape_interval: 5s, scrape_timeout: 5s";

/// A Prometheus that scrapes every few seconds, until it is dropped.
pub struct Prometheus {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes these addresses as these jobs. None, said aloud, where this machine has no Prometheus.
    pub fn start(jobs: &[(&str, &str)]) -> Option<Self> {
        let mut text = String::new();
        for (job, address) in jobs {
            writeln!(text, "- {{ job_name: {job}, static_configs: [{{ targets: ['{address}'] }}] }}").unwrap();
        }
        Self::with_jobs(&text)
    }

    /// Scrapes these hosts, each a name and an address, as the job `nixfleet` with the label `host`.
    pub fn of_fleet(hosts: &[(&str, String)]) -> Option<Self> {
        let mut job = "- job_name: nixfleet\n  static_configs:\n".to_owned();
        for (name, address) in hosts {
            writeln!(job, "  - {{ targets: ['{address}'], labels: {{ host: '{name}' }} }}").unwrap();
        }
        Self::with_jobs(&job)
    }

    fn with_jobs(jobs: &str) -> Option<Self> {
        Self::configured(&format!("global: {{ {OFTEN} }}\nscrape_configs:\n{jobs}"), None)
    }

    /// The same with this configuration, and with this directory of data; else with an empty one.
    pub fn configured(configuration: &str, data: Option<&Path>) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("prometheus.yml");
        std::fs::write(&file, configuration).unwrap();
        let empty = directory.path().join("data");
        let log = directory.path().join("log");
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", data.unwrap_or(&empty).display()))
            .arg("--web.listen-address=127.0.0.1:0")
            // Where one message to an Alertmanager is lost, a test need not wait for the usual minute.
            .arg("--rules.alert.resend-delay=5s")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn();
        match process {
            Ok(mut process) => {
                let port = listening::port(&mut process, &log);
                Some(Self { process, port, _directory: directory })
            }
            Err(error) => {
                skipped(&format!("prometheus cannot be run: {error}"));
                None
            }
        }
    }

    /// What the interface for programs answers; its own words where it refuses, or while it starts.
    pub fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let body = http::form(parameters);
        let (_, answer) =
            http::post(self.port, &format!("/api/v1/{path}"), &body).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| format!("{error}: {answer}"))?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer.to_string()) }
    }

    /// What it tells of this path, asked without a question.
    pub fn get(&self, path: &str) -> Value {
        let Ok((_, answer)) = http::get(self.port, &format!("/api/v1/{path}")) else { return Value::Null };
        serde_json::from_str::<Value>(&answer).unwrap_or_default()["data"].take()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The series that an expression yields; none while it starts.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.ask("query", &[("query", expression)]).unwrap_or_default();
        answer["result"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until an expression yields something that suits; the series.
    pub fn wait_until(&self, expression: &str, suits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let series = self.query(expression);
            if suits(&series) {
                return series;
            }
            assert!(started.elapsed() < Duration::from_mins(3), "{expression} yields {series:#?}");
            thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What `promtool check metrics` has to complain about; none, said aloud, where this machine has no promtool.
pub fn promtool_complaints(text: &str) -> Option<String> {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            skipped(&format!("promtool cannot be run: {error}"));
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut complaints = String::from_utf8_lossy(&output.stdout).into_owned();
    complaints += &String::from_utf8_lossy(&output.stderr);
    if !output.status.success() && complaints.is_empty() {
        complaints = format!("ended with {}", output.status);
    }
    Some(complaints)
}

//! A real Alertmanager, and its amtool.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{http, listening};
use crate::skipped::skipped;

/// The programs' names: Debian's, and their own.
const NAMES: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

/// An Alertmanager of its own, without a cluster, until it is dropped.
pub struct Alertmanager {
    process: Child,
    pub port: u16,
    _directory: tempfile::TempDir,
}

impl Alertmanager {
    /// Starts it with this configuration and waits until it takes alerts: Prometheus sends one that was refused again only
    /// after its `rules.alert.resend-delay`. None, said aloud, where this machine has no Alertmanager.
    pub fn start(configuration: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("alertmanager.yml");
        std::fs::write(&file, configuration).unwrap();
        let log = directory.path().join("log");
        for name in NAMES {
            let started = Command::new(name)
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", directory.path().join("data").display()))
                .arg("--web.listen-address=127.0.0.1:0")
                .arg("--cluster.listen-address=")
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(&log).unwrap())
                .spawn();
            let Ok(mut process) = started else { continue };
            let port = listening::port(&mut process, &log);
            let alertmanager = Self { process, port, _directory: directory };
            alertmanager.wait_until_ready();
            return Some(alertmanager);
        }
        skipped(&format!("none of {NAMES:?} can be run"));
        None
    }

    fn wait_until_ready(&self) {
        let started = Instant::now();
        while !http::get(self.port, "/-/ready").is_ok_and(|(status, _)| status == 200) {
            assert!(started.elapsed() < Duration::from_mins(3), "Alertmanager is not ready");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Tells it of an alert with these labels, `name=value` each; the first names it.
    pub fn add(&self, labels: &[&str]) {
        let url = format!("--alertmanager.url=http://127.0.0.1:{}", self.port);
        let output = Command::new("amtool").args([&url, "alert", "add"]).args(labels).output().unwrap();
        assert!(output.status.success(), "{labels:?}: {output:?}");
    }

    /// What `amtool` prints for these alerts: `--active` or `--inhibited`. Each as `name host`, or `name` alone.
    pub fn alerts(&self, which: &str) -> BTreeSet<String> {
        let url = format!("--alertmanager.url=http://127.0.0.1:{}", self.port);
        let output = Command::new("amtool").args([&url, "alert", "query", which, "--output=json"]).output().unwrap();
        assert!(output.status.success(), "{which}: {output:?}");
        let alerts: Value = serde_json::from_slice(&output.stdout).unwrap();
        alerts.as_array().into_iter().flatten().map(|alert| named(&alert["labels"])).collect()
    }

    /// The groups that are sent together: receiver, the labels of the group, its alerts.
    pub fn groups(&self) -> Vec<(String, Value, Vec<Value>)> {
        let Ok((_, answer)) = http::get(self.port, "/api/v2/alerts/groups") else { return Vec::new() };
        let groups: Value = serde_json::from_str(&answer).unwrap_or_default();
        let group = |group: &Value| {
            let receiver = group["receiver"]["name"].as_str().unwrap().to_owned();
            (receiver, group["labels"].clone(), group["alerts"].as_array().unwrap().clone())
        };
        groups.as_array().into_iter().flatten().map(group).collect()
    }
}

/// Name and host of an alert.
pub fn named(labels: &Value) -> String {
    let of = |label: &str| labels[label].as_str().unwrap_or_default().to_owned();
    format!("{} {}", of("alertname"), of("host")).trim_end().to_owned()
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

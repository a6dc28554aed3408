//! A real Prometheus, and its promtool.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::git_server::tcp::free_port;

/// A Prometheus that scrapes every second, until it is dropped.
pub struct Prometheus {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes these addresses as these jobs. None, said aloud, where this machine has no Prometheus.
    pub fn start(jobs: &[(&str, &str)]) -> Option<Self> {
        let job = |(job, address): &(&str, &str)| {
            format!("- {{ job_name: {job}, static_configs: [{{ targets: ['{address}'] }}] }}\n")
        };
        Self::with_jobs(&jobs.iter().map(job).collect::<String>())
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
        let directory = tempfile::tempdir().unwrap();
        let configuration = directory.path().join("prometheus.yml");
        let text = format!("global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs:\n{jobs}");
        std::fs::write(&configuration, text).unwrap();
        let port = free_port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match process {
            Ok(process) => Some(Self { process, port, _directory: directory }),
            Err(error) => {
                println!("SKIPPED: prometheus cannot be run: {error}");
                None
            }
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The series that an expression yields; none while it starts.
    pub fn query(&self, expression: &str) -> Vec<serde_json::Value> {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return Vec::new() };
        write!(stream, "GET /api/v1/query?query={expression} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let answer: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
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
            println!("SKIPPED: promtool cannot be run: {error}");
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

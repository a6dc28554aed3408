//! A running nixfleet-exporter, and what a scrape of it brings.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nixfleet_core::model::{Compartment, State};
use rustix::process::{Pid, Signal, kill_process};

use crate::programs::User;
use crate::states::letter;

/// The process, until it is dropped.
pub struct Exporter {
    child: Child,
    log: tempfile::NamedTempFile,
    pub address: String,
}

/// One answer of it.
#[derive(Debug, Clone)]
pub struct Scrape {
    pub status: u16,
    pub text: String,
}

impl Exporter {
    /// Starts it on a free port and waits until it listens. On a machine under load a source may take longer than the exporter
    /// waits for it by itself: here it has patience, unless the arguments say how much.
    pub fn start<I: AsRef<OsStr>>(user: &User, arguments: impl IntoIterator<Item = I>) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = user.command("nixfleet-exporter");
        command.args(arguments);
        if !command.get_args().any(|argument| argument.to_string_lossy().starts_with("--collect.timeout")) {
            command.arg("--collect.timeout=60s");
        }
        let mut child = command
            .args(["--web.listen-address", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(File::create(log.path()).unwrap())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let address = loop {
            let said = std::fs::read_to_string(log.path()).unwrap();
            if let Some((_, address)) = said.split_once("listening on ")
                && let Some((address, _)) = address.split_once('\n')
            {
                break address.trim().to_owned();
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("nixfleet-exporter ended with {status}: {said}");
            }
            assert!(started.elapsed() < Duration::from_mins(2), "it does not listen: {said}");
            thread::sleep(Duration::from_millis(5));
        };
        Self { child, log, address }
    }

    /// The answer to a request for this path.
    pub fn get(&self, path: &str) -> Scrape {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Scrape { status: head.split(' ').nth(1).unwrap().parse().unwrap(), text: body.to_owned() }
    }

    /// What Prometheus would see now.
    pub fn scrape(&self) -> Scrape {
        let scrape = self.get("/metrics");
        assert_eq!(scrape.status, 200, "{scrape:?}");
        scrape
    }

    /// Scrapes until this holds.
    pub fn scrape_until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        let started = Instant::now();
        loop {
            let scrape = self.scrape();
            if condition(&scrape) {
                return scrape;
            }
            assert!(started.elapsed() < Duration::from_mins(2), "not {what}: {}\n{}", scrape.text, self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that it wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }

    /// Ends it as systemd does; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Scrape {
    /// Each series of nixfleet with its value, as they stand in the text.
    pub fn series(&self) -> BTreeMap<&str, &str> {
        let lines = self.text.lines().filter(|line| line.starts_with("nixfleet_"));
        lines.map(|line| line.rsplit_once(' ').unwrap()).collect()
    }

    /// The series of one metric.
    pub fn of(&self, metric: &str) -> BTreeMap<&str, &str> {
        let mut series = self.series();
        series.retain(|name, _| name.split('{').next() == Some(metric));
        series
    }

    /// The value of one series.
    pub fn value(&self, series: &str) -> Option<f64> {
        Some(self.series().get(series)?.parse().unwrap())
    }

    /// The five letters, after a look at all 25 series.
    pub fn states(&self) -> String {
        let states = self.of("nixfleet_compartment_state");
        assert_eq!(states.len(), 25, "{states:?}");
        let mut letters = String::new();
        for compartment in Compartment::ALL {
            let holds = |state: &State| {
                let series = format!("nixfleet_compartment_state{{compartment=\"{compartment}\",state=\"{state}\"}}");
                states[series.as_str()] == "1"
            };
            let holding: Vec<State> = State::ALL.into_iter().filter(holds).collect();
            let [state] = holding[..] else { panic!("{compartment} is in {holding:?}") };
            letters.push(letter(state));
        }
        letters
    }

    /// The sources that could not be read.
    pub fn unreadable(&self) -> Vec<String> {
        let errors = self.of("nixfleet_exporter_collect_errors");
        let source = |series: &str| series.split('"').nth(1).unwrap().to_owned();
        errors.into_iter().filter(|(_, value)| *value == "1").map(|(series, _)| source(series)).collect()
    }

    /// Since when each compartment is in its state.
    pub fn since(&self) -> BTreeMap<&str, &str> {
        self.of("nixfleet_compartment_state_since_timestamp_seconds")
    }
}

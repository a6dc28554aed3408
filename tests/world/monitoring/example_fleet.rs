//! A small fleet with all that is hard to show, and a real Prometheus that scrapes it.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::dashboard::{Target, elements, interpolated};
use super::rules;
use super::server::Server;
use crate::damage::Damage;
use crate::example_flake::UPDATED;
use crate::example_host::ExampleHost;
use crate::exporter::Exporter;
use crate::programs::User;
use crate::prometheus::{OFTEN, Prometheus};

/// A name that needs quoting.
pub const QUOTES: &str = r#"we"b οικία\'1"#;

/// The names of all.
pub const HOSTS: [&str; 7] = ["web1", "web2", QUOTES, "127.0.0.1", "web5", "web6", "old"];

/// A host with an update that waits for its merge, one whose update broke it, one with a name that needs quoting whose
/// list of pull requests is damaged, one without a label `host`, one with two exporters that say different things, one that
/// went down, and one with an exporter that knows next to nothing.
pub struct ExampleFleet {
    prometheus: Prometheus,
    _exporters: Vec<Exporter>,
    _old: Server,
    _hosts: Vec<ExampleHost>,
    _rules: tempfile::TempDir,
}

impl ExampleFleet {
    /// Starts it, and waits until all of it is seen. None where this machine has no Prometheus.
    pub fn start() -> Option<Self> {
        let user = User::nobody();
        let mut waiting = ExampleHost::new();
        waiting.update_pull_request_opens(UPDATED);
        waiting.agent_lives();
        let mut broken = ExampleHost::new();
        broken.update_pull_request_opens(UPDATED);
        broken.update_pull_request_is_merged();
        broken.pulled();
        broken.switched();
        broken.tests_failed();
        broken.agent_lives();
        let damaged = ExampleHost::new();
        Damage::text("{").inflict(&damaged.state.path.join("pull-request.json"));
        let exporters: Vec<Exporter> = [&waiting, &broken, &damaged, &waiting, &waiting, &damaged, &waiting]
            .into_iter()
            .map(|host| Exporter::start(&user, host.options()))
            .collect();

        let rules = tempfile::tempdir().unwrap();
        rules::write_hurried(rules.path());
        // What an exporter from the beginnings might say.
        let old = Server::start("nixfleet_compartment_state{compartment=\"git\",state=\"ok\"} 1\n".to_owned());
        let mut text = format!("global: {{ {OFTEN} }}\nrule_files:\n");
        writeln!(text, "- {}/*.yaml", rules.path().display()).unwrap();
        writeln!(text, "scrape_configs:\n- job_name: nixfleet\n  static_configs:").unwrap();
        let names = [Some("web1"), Some("web2"), Some(QUOTES), None, Some("web6"), Some("web6"), Some("web5")];
        for (name, exporter) in names.iter().zip(&exporters) {
            let labels = name.map_or(Value::Null, |name| serde_json::json!({ "host": name }));
            writeln!(text, "  - {{ targets: ['{}'], labels: {labels} }}", exporter.address).unwrap();
        }
        writeln!(text, "  - {{ targets: ['127.0.0.1:{}'], labels: {{ host: old }} }}", old.port).unwrap();
        let prometheus = Prometheus::configured(&text, None)?;
        prometheus.wait_until("host:nixfleet_up:max==1", |hosts| hosts.len() == 7);
        prometheus.wait_until("host:nixfleet_compartment_code:last", |codes| codes.len() == 35);
        let mut exporters = exporters;
        assert_eq!(exporters.pop().unwrap().stop(), Some(0));
        prometheus.wait_until("host:nixfleet_up:max==0", |hosts| hosts.len() == 1);
        prometheus
            .wait_until("ALERTS{alertstate=\"firing\",alertname=\"NixfleetHostDown\"}", |alerts| alerts.len() == 1);
        // A rate needs two samples.
        let rate = "rate(nixfleet_remote_checks_total[30s])";
        prometheus.wait_until(rate, |series| !series.is_empty());
        Some(Self {
            prometheus,
            _exporters: exporters,
            _old: old,
            _hosts: vec![waiting, broken, damaged],
            _rules: rules,
        })
    }

    /// What is asked while all of it is seen. On a machine under load a scrape takes too long now and then, and its host seems to
    /// be down until the next one.
    pub fn while_all_is_seen<T>(&self, ask: impl Fn() -> T) -> T {
        let started = Instant::now();
        // All but the one that was stopped; the rules say so, too, with the old one, which knows of no agent.
        let is_seen = || {
            let unknown = "host:nixfleet_compartment_code:last{compartment=\"agent\"}==2";
            self.prometheus.query("up==1").len() == 7 && self.prometheus.query(unknown).len() == 2
        };
        loop {
            let answer = is_seen().then(&ask);
            if let (Some(answer), true) = (answer, is_seen()) {
                return answer;
            }
            assert!(
                started.elapsed() < Duration::from_mins(3),
                "the hosts are not seen: {:?}",
                self.prometheus.query("up")
            );
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The series of a target, asked as Grafana asks.
    pub fn ask(&self, target: &Target, host: &str) -> Vec<Value> {
        let expression = interpolated(&target.expression, "nixfleet", host);
        let answer = if target.is_instant {
            self.prometheus.ask("query", &[("query", &expression)])
        } else {
            let now = jiff::Timestamp::now().as_second();
            let (start, end) = ((now - 3600).to_string(), now.to_string());
            let parameters = [("query", expression.as_str()), ("start", &start), ("end", &end), ("step", "15")];
            self.prometheus.ask("query_range", &parameters)
        };
        let answer = answer.unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(answer["resultType"], if target.is_instant { "vector" } else { "matrix" }, "{expression}");
        elements(&answer["result"]).cloned().collect()
    }
}

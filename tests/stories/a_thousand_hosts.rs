//! What the rules and the queries of the dashboards cost a real Prometheus, for a fleet of a thousand hosts.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use world::example_flake::UPDATED;
use world::example_host::ExampleHost;
use world::exporter::Exporter;
use world::monitoring::dashboard::{DASHBOARDS, Dashboard, elements, interpolated, targets};
use world::monitoring::many_hosts::{many_hosts, name};
use world::monitoring::rules;
use world::monitoring::server::Server;
use world::programs::User;
use world::prometheus::Prometheus;
use world::skipped::skipped;

const HOSTS: usize = 1000;

/// What a query of a dashboard may take.
const MOST: Duration = Duration::from_secs(15);

const COMPARTMENTS: [&str; 5] = ["agent", "git", "lock", "system", "tests"];

#[test]
fn rules_and_dashboards_keep_up_with_a_thousand_hosts() {
    let user = User::nobody();
    let mut host = ExampleHost::new();
    host.update_pull_request_opens(UPDATED);
    host.agent_lives();
    let scrape = Exporter::start(&user, host.options()).scrape().text;
    let series = scrape.lines().filter(|line| line.starts_with("nixfleet_")).count();
    let head = host.head();
    // A tenth of them runs something else, on which the tests failed.
    let runs = |number: usize| if number.is_multiple_of(10) { "bbbbbbb" } else { head.as_str() };
    let fleet = Server::start(many_hosts(&scrape, HOSTS, |number, line| {
        let is_broken = number % 10 == 0;
        let tests = "nixfleet_compartment_state{compartment=\"tests\",state=";
        match line {
            _ if !is_broken => None,
            _ if line.starts_with("nixfleet_system_info") => Some(line.replace(head.as_str(), runs(number))),
            _ if line.starts_with(&format!("{tests}\"ok\"")) => Some(line.replace("} 1", "} 0")),
            _ if line.starts_with(&format!("{tests}\"error\"")) => Some(line.replace("} 0", "} 1")),
            _ => None,
        }
    }));

    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let Some(history) = write_history(directory.path(), &data, runs) else { return };
    println!(
        "{HOSTS} hosts of {series} series; the last hour of their recorded series ({history} samples) written before"
    );

    let rules = directory.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    for path in [rules::RECORDING, rules::ALERTS] {
        // Every 10 s instead of every minute, only so that nobody waits; each evaluation reads as much as it would.
        let text = rules::text(path).replace("interval: 1m", "interval: 10s");
        std::fs::write(rules.join(Path::new(path).file_name().unwrap()), text).unwrap();
    }
    let configuration = format!(
        "global: {{ scrape_interval: 15s, scrape_timeout: 15s }}\nrule_files: ['{}/*.yaml']\nscrape_configs:\n\
         - {{ job_name: all, honor_labels: true, static_configs: [{{ targets: ['127.0.0.1:{}'] }}] }}\n",
        rules.display(),
        fleet.port
    );
    let Some(prometheus) = Prometheus::configured(&configuration, Some(&data)) else { return };
    prometheus.wait_until("count(host:nixfleet_drifted:bool)", |count| {
        count.first().is_some_and(|count| count["value"][1] == HOSTS.to_string().as_str())
    });
    let firing = "ALERTS{alertname=\"NixfleetTestsFailedOnSeveralHosts\",alertstate=\"firing\"}";
    prometheus.wait_until(firing, |alerts| alerts.len() == 1);

    let keeps_up = |group: &Value| group["evaluationTime"].as_f64().unwrap() < 30.0;
    let mut answer = prometheus.get("rules");
    // Where it does not keep up, it does so each time; a machine under load is slow now and then.
    for _ in 0..12 {
        if elements(&answer["groups"]).all(keeps_up) {
            break;
        }
        thread::sleep(Duration::from_secs(10));
        answer = prometheus.get("rules");
    }
    let groups: Vec<_> = elements(&answer["groups"]).collect();
    assert_eq!(groups.len(), 3);
    for group in groups {
        let seconds = group["evaluationTime"].as_f64().unwrap();
        println!(
            "rules {}: {} rules evaluated in {seconds:.2} s, every 60 s",
            group["name"],
            elements(&group["rules"]).count()
        );
        assert!(keeps_up(group), "it does not keep up");
        for rule in elements(&group["rules"]) {
            assert_eq!(rule["health"], "ok", "{}: {}", rule["name"], rule["lastError"]);
        }
    }
    for dashboard in DASHBOARDS.map(Dashboard::read) {
        ask_all(&prometheus, &dashboard);
    }
}

/// Asks everything that a dashboard asks, one after the other, and prints what takes long.
fn ask_all(prometheus: &Prometheus, dashboard: &Dashboard) {
    let now = jiff::Timestamp::now().as_second();
    let (start, end) = ((now - 24 * 3600).to_string(), now.to_string());
    let (mut all, mut queries) = (Duration::ZERO, 0);
    let mut slowest = (Duration::ZERO, String::new());
    for panel in dashboard.panels() {
        for target in targets(panel) {
            let expression = interpolated(&target.expression, "nixfleet", &name(7));
            let ask = || {
                let started = Instant::now();
                let answer = if target.is_instant {
                    prometheus.ask("query", &[("query", &expression)])
                } else {
                    let range = [("query", expression.as_str()), ("start", &start), ("end", &end), ("step", "120")];
                    prometheus.ask("query_range", &range)
                };
                (started.elapsed(), elements(&answer.unwrap()["result"]).count())
            };
            let (mut took, rows) = ask();
            for _ in 0..3 {
                if took >= MOST {
                    took = ask().0;
                }
            }
            assert!(rows <= HOSTS, "{expression} yields {rows} series: too many for a panel");
            assert!(took < MOST, "{expression} takes {took:?}");
            (all, queries) = (all + took, queries + 1);
            if took > slowest.0 {
                slowest = (took, format!("{} ({})", panel["title"], target.ref_id));
            }
        }
    }
    println!(
        "dashboard {}: {queries} queries in {all:.2?}, the slowest {:.2?}: {}",
        dashboard.name, slowest.0, slowest.1
    );
}

/// What the rules would have recorded: of the hosts in the last hour, of the fleet in the last day; the number of samples.
///
/// `runs` is the revision that a host runs all the time: no host gets another system and failed tests in one scrape, which an
/// evaluation of the rules that is under way at that moment would see in part.
fn write_history<'a>(directory: &Path, data: &Path, runs: impl Fn(usize) -> &'a str) -> Option<usize> {
    let file = directory.join("history.txt");
    let mut text = std::io::BufWriter::new(std::fs::File::create(&file).unwrap());
    let now = jiff::Timestamp::now().as_second() / 60 * 60 - 120;
    let mut samples = 0;
    let facts = [
        "git_commits_behind",
        "git_commits_ahead",
        "git_uncommitted_changes",
        "pull_request_open",
        "system_generation",
        "system_booted_generation",
        "system_changed_outside",
        "system_reboot_required",
        "system_rollback_held",
        "remote_check_last_success_timestamp_seconds",
    ];
    let mut write = |series: String, times: &mut dyn Iterator<Item = i64>, value: i64| {
        for at in times {
            writeln!(text, "{series} {value} {at}").unwrap();
            samples += 1;
        }
    };
    let hour = || (0..60).map(move |minute| now - (59 - minute) * 60);
    let day = || (0..1440).map(move |minute| now - (1439 - minute) * 60);
    for number in 0..HOSTS {
        let host = format!("job=\"nixfleet\",host=\"{}\"", name(number));
        for compartment in COMPARTMENTS {
            write(
                format!("host:nixfleet_compartment_code:last{{{host},compartment=\"{compartment}\"}}"),
                &mut hour(),
                0,
            );
        }
        for fact in facts {
            write(format!("host:nixfleet_fact:last{{{host},metric=\"nixfleet_{fact}\"}}"), &mut hour(), 0);
        }
        for operation in ["switch", "test"] {
            for fact in ["start", "success"] {
                let metric = format!("nixfleet_operation_last_{fact}_timestamp_seconds");
                let labels = format!("{host},metric=\"{metric}\",operation=\"{operation}\"");
                write(format!("host:nixfleet_fact:last{{{labels}}}"), &mut hour(), 0);
            }
        }
        write(format!("host:nixfleet_seen_timestamp_seconds:last{{{host}}}"), &mut hour(), now);
        let revision = runs(number);
        write(format!("host:nixfleet_system_info:last{{{host},revision=\"{revision}\"}}"), &mut hour(), now);
        write(format!("host:nixfleet_git_info:last{{{host},local_revision=\"aaaa\"}}"), &mut hour(), now);
    }
    for compartment in COMPARTMENTS {
        for state in ["ok", "working", "unknown", "outdated", "error"] {
            let labels = format!("job=\"nixfleet\",compartment=\"{compartment}\",state=\"{state}\"");
            write(format!("fleet:nixfleet_compartment_hosts:count{{{labels}}}"), &mut day(), 1);
        }
        let labels = format!("job=\"nixfleet\",compartment=\"{compartment}\"");
        write(format!("fleet:nixfleet_compartment_code:max{{{labels}}}"), &mut day(), 0);
    }
    for operation in ["pull", "switch", "test", "rollback"] {
        let labels = format!("job=\"nixfleet\",operation=\"{operation}\"");
        for metric in ["running:sum", "last_duration_seconds:median", "last_duration_seconds:max"] {
            write(format!("fleet:nixfleet_operation_{metric}{{{labels}}}"), &mut day(), 1);
        }
        for result in ["success", "failed"] {
            write(format!("fleet:nixfleet_operations:rate5m{{{labels},result=\"{result}\"}}"), &mut day(), 1);
        }
    }
    writeln!(text, "# EOF").unwrap();
    drop(text);
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
        .args([&file, data])
        .output();
    match made {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            skipped(&format!("promtool cannot be run: {error}"));
            return None;
        }
    }
    std::fs::remove_file(file).unwrap();
    Some(samples)
}

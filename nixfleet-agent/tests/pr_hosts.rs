//! `nixfleet pr` with a Prometheus: which hosts turn yellow, and which have a commit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod desk;
mod prometheus_server;

use desk::{Desk, Ended, run};
use prometheus_server::{Server, http, sample, vector};
use serde_json::{Value, json};
use world::git_server::repository::git;

/// Of each host its name, branch, running and pulled commit; a host without a branch is down.
fn fleet(hosts: Vec<[String; 4]>) -> Server {
    Server::start(move |request| {
        let of = |pick: &dyn Fn(&[String; 4]) -> Vec<Value>| vector(&hosts.iter().flat_map(pick).collect(), &[]);
        if request.contains("timestamp") || request.contains("compartment_state") {
            return vector(&json!([]), &[]);
        }
        if request.contains("query=up") {
            return of(&|[host, branch, ..]| {
                vec![sample(&[("instance", host), ("host", host)], if branch.is_empty() { "0" } else { "1" })]
            });
        }
        of(&|[host, branch, running, pulled]| {
            if branch.is_empty() {
                return Vec::new();
            }
            let git = [("__name__", "nixfleet_git_info"), ("branch", branch), ("local_revision", pulled)];
            let system = [("__name__", "nixfleet_system_info"), ("revision", running)];
            let of_host =
                |labels: &[(&str, &str)]| sample(&[labels, &[("instance", host), ("host", host)]].concat(), "1");
            vec![of_host(&git), of_host(&system)]
        })
    })
}

fn host(name: &str, branch: &str, running: &str, pulled: &str) -> [String; 4] {
    [name, branch, running, pulled].map(str::to_owned)
}

fn pr(desk: &Desk, prometheus: &str, arguments: &[&str]) -> Ended {
    let checkout = desk.checkout();
    let arguments = [&["pr"], arguments, &["--repo", checkout.to_str().unwrap(), "--prometheus", prometheus]].concat();
    run(&mut desk.command(&arguments))
}

#[test]
fn those_that_track_the_branch_turn_yellow() {
    let desk = Desk::with_update();
    let commit = "c".repeat(40);
    let prometheus = fleet(vec![
        host("web1", "main", &commit, &commit),
        host("web2", "stable", &commit, &commit),
        host("db1", "main", "", ""),
        host("gone", "", "", ""),
    ]);
    let shown = pr(&desk, &prometheus.url(), &["show", "7"]);
    let words = "2 hosts track main: db1, web1 (Git and Lock turn yellow until each has pulled); not known of gone; \
                 by the branch's name";
    assert!(shown.code == Some(0) && shown.stdout.contains(&format!("\nonce merged: {words}")), "{shown:?}");
    let shown = pr(&desk, &prometheus.url(), &["show", "7", "--json"]).json();
    assert_eq!(shown["fleet"], json!({ "tracking": ["db1", "web1"], "unknown": ["gone"] }));
    assert_eq!((&shown["fleet_problem"], &shown["number"]), (&Value::Null, &json!(7)));
    // An empty address is none.
    let shown = pr(&desk, "", &["show", "7", "--json"]).json();
    assert_eq!((&shown["fleet"], &shown["fleet_problem"]), (&Value::Null, &Value::Null));

    let asked = pr(&desk, &prometheus.url(), &["merge", "7"]);
    asked.failed_with("say --yes");
    assert!(asked.stderr.contains(words), "before the question: {asked:?}");
    let merged = pr(&desk, &prometheus.url(), &["merge", "7", "--yes", "--json"]).json();
    assert_eq!((&merged["result"], &merged["fleet"]["tracking"]), (&json!("merged"), &json!(["db1", "web1"])));
    assert!(merged["hosts"].as_str().unwrap().contains("2 hosts track main"), "{merged}");
}

#[test]
fn those_that_have_the_commit_are_told_by_the_graph() {
    let (desk, merge) = Desk::with_merged();
    let before = git(&desk.checkout(), &["rev-parse", "main"]);
    let unknown = "9".repeat(40);
    git(&desk.checkout(), &["pull", "--quiet", "origin", "main"]);
    let later = desk.commit("web1.nix", "fine\n", "web1: later");
    git(&desk.checkout(), &["push", "--quiet", "origin", "main"]);
    git(&desk.checkout(), &["revert", "--no-edit", "--mainline=1", &merge]);
    let reverted = git(&desk.checkout(), &["rev-parse", "HEAD"]);
    git(&desk.checkout(), &["reset", "--quiet", "--hard", &later]);
    let prometheus = fleet(vec![
        host("runs", "main", &merge, &merge),
        host("runs-later", "main", &later, &later),
        host("pulled", "main", &before, &later),
        host("before", "main", &before, &before),
        host("reverted", "main", &reverted, &reverted),
        host("elsewhere", "stable", &unknown, &unknown),
        host("odd", "main", &unknown, &unknown),
        host("gone", "", "", ""),
    ]);
    let expected = json!({
        "running": ["runs", "runs-later"], "pulled": ["pulled"], "without": ["before", "reverted"], "unknown": ["gone", "odd"]
    });
    let words = format!(
        "hosts and {}, by Prometheus: run it: runs, runs-later; have pulled it and do not run it: pulled; \
         are without it: before, reverted; not known here, for they are down or this machine lacks their commits: gone, odd",
        &merge[..7]
    );
    let shown = pr(&desk, &prometheus.url(), &["show", "7"]);
    assert!(shown.stdout.contains(&words), "{shown:?}");
    assert_eq!(pr(&desk, &prometheus.url(), &["show", "7", "--json"]).json()["fleet"], expected);
    let opened = pr(&desk, &prometheus.url(), &["revert", "7", "--yes"]);
    assert!(opened.code == Some(0) && opened.stderr.contains(&words), "{opened:?}");
    let pushed = pr(&desk, &prometheus.url(), &["revert", "7", "--push", "--yes", "--json"]).json();
    assert_eq!((&pushed["result"], &pushed["fleet"], &pushed["host"]), (&json!("pushed"), &expected, &Value::Null));
}

#[test]
fn without_the_commits_only_the_very_commit_is_known() {
    let (desk, merge) = Desk::with_merged();
    let tip = git(&desk.remote(), &["commit-tree", &format!("{merge}^{{tree}}"), "-p", &merge, "-m", "later"]);
    let prometheus = fleet(vec![host("runs", "main", &merge, &merge), host("later", "main", &tip, &tip)]);
    let shown = pr(&desk, &prometheus.url(), &["show", "7", "--json"]).json();
    assert_eq!(shown["fleet"], json!({ "running": ["runs"], "pulled": [], "without": [], "unknown": ["later"] }));
}

#[test]
fn that_a_part_is_missing_is_said() {
    let desk = Desk::with_update();
    let up = json!([sample(&[("instance", "web1:1"), ("host", "web1")], "1")]);
    let prometheus = Server::start(move |request| {
        if request.contains("query=up") { vector(&up, &["one store did not answer"]) } else { vector(&json!([]), &[]) }
    });
    let merged = pr(&desk, &prometheus.url(), &["merge", "7", "--yes"]);
    let words = "\nmore may be concerned: Prometheus: one store did not answer\n";
    assert!(merged.code == Some(0) && merged.stderr.contains(words), "{merged:?}");
    assert!(merged.stderr.contains("; not known of web1; "), "{merged:?}");
}

#[test]
fn a_prometheus_that_does_not_tell_stops_nothing() {
    let locked = Server::always(&http("401 Unauthorized", "no"));
    for (url, words) in [
        ("http://127.0.0.1:1", "cannot reach Prometheus at http://127.0.0.1:1: "),
        (&locked.url(), "check --prometheus-token-file, or --prometheus-username"),
        ("p:9090", "write it as http://host:9090"),
    ] {
        let desk = Desk::with_update();
        let merged = pr(&desk, url, &["merge", "7", "--yes"]);
        assert!(merged.code == Some(0) && merged.stdout.starts_with("#7 is merged"), "{url}: {merged:?}");
        let said: Vec<_> = merged.stderr.lines().filter(|line| line.contains("which ones is not known: ")).collect();
        assert!(said.len() == 1 && said[0].contains(words), "{url}: {merged:?}");
        assert!(merged.stderr.contains("every host that tracks main"), "{merged:?}");
        let reverted = pr(&desk, url, &["revert", "7", "--push", "--yes", "--json"]).json();
        assert_eq!((&reverted["result"], &reverted["fleet"]), (&json!("pushed"), &Value::Null));
        assert!(reverted["fleet_problem"].as_str().unwrap().contains(words), "{reverted}");
    }
}

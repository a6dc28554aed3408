//! `nixfleet fleet status` against a Prometheus that is down, wrong, slow, partial or locked: the sentence a person sees.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod command;
mod prometheus_server;

use std::net::TcpListener;
use std::sync::Mutex;

use command::{Ended, Home, Terminal};
use prometheus_server::{Server, http, sample, vector};
use serde_json::{Value, json};
use world::git_server::tls::TlsServer;

/// Two hosts, one of them down.
fn fleet(request: &str) -> String {
    if request.contains("timestamp") {
        return vector(&json!([]), &[]);
    }
    if request.contains("last_over_time") {
        return http(
            "503 Service Unavailable",
            r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#,
        );
    }
    if request.contains("nixfleet_compartment_state") {
        let of = |compartment, state| {
            sample(&[("instance", "10.0.0.1:1"), ("compartment", compartment), ("state", state)], "1")
        };
        let states = [("agent", "ok"), ("git", "outdated"), ("lock", "ok"), ("system", "ok"), ("tests", "error")];
        return vector(
            &states.into_iter().map(|(compartment, state)| of(compartment, state)).collect(),
            &["part lost"],
        );
    }
    if request.contains("query=up") {
        let up =
            |place, value| sample(&[("instance", place), ("host", &format!("a\"{place}")), ("rack", "r\"1")], value);
        return vector(&json!([up("10.0.0.1:1", "1"), up("10.0.0.2:1", "0")]), &[]);
    }
    vector(&json!([sample(&[("__name__", "nixfleet_system_generation"), ("instance", "10.0.0.1:1")], "41")]), &[])
}

fn status(url: &str, arguments: &[&str]) -> Ended {
    let home = Home::new();
    let line = [&["fleet", "status", "--prometheus", url], arguments].concat();
    home.command(command::NIXFLEET).env_remove("NIXFLEET_PROMETHEUS_URL").args(line).output().unwrap().into()
}

#[test]
fn a_fleet_with_what_is_missing_said() {
    let server = Server::start(fleet);
    let ended = status(&server.url(), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for words in [
        "a\"10.0.0.1:1  ok        outdated  ok        ok        error     -     41",
        "a\"10.0.0.2:1  unknown   unknown   unknown   unknown   unknown",
        "down, and nothing is known of the last 6 h",
        "2 hosts: 1 error, 1 unknown",
        "warning: Prometheus: part lost",
        "warning: the last states of hosts that are down are not known",
        "query timed out",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    assert_eq!(status(&server.url(), &["--fail-on", "error"]).code, Some(4));
    let one = status(&server.url(), &["--json", "--label", "rack=r\"1", "--state", "tests=red"]);
    let one: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(
        (&one["hosts"][0]["generation"], &one["total"], &one["hosts"][1]),
        (&41.into(), &2.into(), &Value::Null)
    );
    let unknown = status(&server.url(), &["web9"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.contains("no host is called web9"), "{}", unknown.stderr);
    let job = status(&server.url(), &["--job", "it's \"mine\"\\"]);
    assert_eq!(job.code, Some(0), "{}", job.stderr);
    let requests = server.requests.lock().unwrap();
    assert!(requests.last().unwrap().contains("%5C%22mine%5C%22%5C%5C"), "quoted: {}", requests.last().unwrap());
}

/// The first cells of the rows of a table in `docs/fleet.md`.
fn documented(heading: &str) -> Vec<String> {
    let lines = include_str!("../../docs/fleet.md").lines();
    let rows = lines.skip_while(|line| !line.starts_with(&format!("| {heading} |"))).skip(2);
    let first = |line: &str| line.trim_matches('|').split(" | ").next().unwrap().trim().replace('`', "");
    rows.take_while(|line| line.starts_with('|')).map(first).collect()
}

#[test]
fn every_key_is_documented() {
    let told: Value = serde_json::from_str(&status(&Server::start(fleet).url(), &["--json"]).stdout).unwrap();
    let mut keys: Vec<String> = told.as_object().unwrap().keys().cloned().collect();
    keys.extend(told["hosts"][0].as_object().unwrap().keys().map(|key| format!("hosts[].{key}")));
    keys.sort();
    let mut expected = documented("key");
    expected.sort();
    assert_eq!(keys, expected);
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let cut = vector(&json!([sample(&[("instance", "a:1")], "1")]), &[]);
    let truncated = http("200 OK", &cut[cut.find('{').unwrap()..cut.len() - 9]);
    let cut_off = cut[..cut.len() - 9].to_owned();
    for (answer, words) in [
        (truncated.as_str(), "cannot read what"),
        (&cut_off, "cannot read what"),
        (
            &http("200 OK", "<!doctype html><title>Grafana</title>"),
            "is it a Prometheus, and not a proxy or a login page?",
        ),
        (&http("404 Not Found", "404 page not found"), "HTTP 404"),
        (&http("502 Bad Gateway", ""), "HTTP 502"),
        (&http("401 Unauthorized", "no"), "does not let in (HTTP 401): check --token-file"),
        (&http("403 Forbidden", "no"), "does not let in (HTTP 403)"),
        (
            &http(
                "422 Unprocessable Entity",
                r#"{"status":"error","errorType":"execution","error":"too\u001b[2J many"}"#,
            ),
            "does not answer the query: execution: too\u{fffd}[2J many",
        ),
        (&vector(&json!([]), &[]), "has no target in the job \"nixfleet\""),
        ("SSH-2.0-OpenSSH\r\n", "cannot reach Prometheus"),
        ("", "cannot reach Prometheus"),
    ] {
        let ended = status(&Server::always(answer).url(), &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{answer}: {}", ended.stderr);
        assert!(ended.stderr.contains(words) && ended.stderr.lines().count() == 1, "{answer}: {}", ended.stderr);
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = status(&format!("http://{}", silent.local_addr().unwrap()), &["--timeout", "1"]);
    assert!(slow.stderr.contains("it takes too long (see --timeout)"), "{}", slow.stderr);
    drop(silent);
    for (url, words) in [
        ("http://127.0.0.1:1", "cannot reach Prometheus at http://127.0.0.1:1: "),
        ("http://me:geheim@127.0.0.1:1", "cannot reach Prometheus at http://127.0.0.1:1: "),
        ("http://nowhere.invalid", "cannot reach Prometheus at http://nowhere.invalid: "),
        ("p:9090", "write it as http://host:9090"),
        ("ftp://p", "write it as http://host:9090"),
        ("http://a b", "holds characters that an address does not have"),
        ("http://", "cannot reach"),
        ("http://p?x", "holds characters"),
    ] {
        let ended = status(url, &[]);
        assert_eq!(ended.code, Some(1), "{url}");
        assert!(ended.stderr.contains(words) || url == "http://", "{url}: {}", ended.stderr);
        assert!(!ended.stderr.contains("geheim"), "{}", ended.stderr);
    }
}

#[test]
fn credentials_come_from_files() {
    let home = Home::new();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (token, password) = (write("token", "geheim\n"), write("password", "open sesame"));
    let server = Server::start(fleet);
    assert_eq!(status(&server.url(), &["--token-file", &token]).code, Some(0));
    assert_eq!(status(&server.url(), &["--username", "me", "--password-file", &password]).code, Some(0));
    let sent = |text: &str| {
        let requests = server.requests.lock().unwrap();
        requests.iter().any(|request| request.to_lowercase().contains(&text.to_lowercase()))
    };
    assert!(sent("Authorization: Bearer geheim\r\n") && sent("Authorization: Basic bWU6b3BlbiBzZXNhbWU=\r\n"));
    let two_lines = write("two", "a\nb\n");
    let absent = home.path().join("absent");
    for (file, words) in [(two_lines.as_str(), "on one line"), (absent.to_str().unwrap(), "No such file")] {
        let ended = status(&server.url(), &["--token-file", file]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn over_tls_with_a_certificate_that_is_trusted_or_not() {
    let server = Server::start(fleet);
    let tls = TlsServer::start(server.address.port());
    let url = tls.url("localhost").replace("/repository/.git", "");
    let home = Home::new();
    let certificate = home.path().join("ca.pem");
    std::fs::write(&certificate, &tls.certificate_pem).unwrap();
    let trusted = status(&url, &["--ca-file", certificate.to_str().unwrap()]);
    assert_eq!(trusted.code, Some(0), "{}", trusted.stderr);
    let other_name = url.replace("localhost", "127.0.0.1");
    for (url, arguments) in [(&url, vec![]), (&other_name, vec!["--ca-file", certificate.to_str().unwrap()])] {
        let ended = status(url, &arguments);
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(
            ended.stderr.contains("cannot reach Prometheus") && ended.stderr.contains("certificate"),
            "{}",
            ended.stderr
        );
    }
    let ended = status(&url, &["--ca-file", "/dev/null"]);
    assert!(ended.stderr.contains("holds no certificate"), "{}", ended.stderr);
}

#[test]
fn without_any_host_it_says_how_to_name_some() {
    let ended = status("", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("--prometheus URL") && ended.stderr.contains("--hosts-file FILE"),
        "{}",
        ended.stderr
    );
    let home = Home::new();
    let absent = home.nixfleet(&["fleet", "status", "--hosts-file", "/nonexistent/hosts"]);
    assert!(absent.stderr.contains("cannot read the hosts file /nonexistent/hosts"), "{}", absent.stderr);
    let refused = home.nixfleet(&["fleet", "pull", "-oProxyCommand", "--yes"]);
    assert_eq!(refused.code, Some(2), "an option, not a host: {}", refused.stderr);
    let refused = home.nixfleet(&["fleet", "pull", "--yes", "--", "-oProxyCommand=x", "a b"]);
    assert_eq!(refused.code, Some(1), "nothing was done: {}", refused.stderr);
    assert!(refused.stdout.contains("may not start with a dash") && refused.stdout.contains("may not hold ' '"));
}

#[test]
fn watching_outlives_a_prometheus_that_goes_away() {
    let count = Mutex::new(0);
    let server = Server::start(move |request| {
        let mut count = count.lock().unwrap();
        *count += 1;
        // The first look takes five queries.
        if (6..8).contains(&*count) { http("502 Bad Gateway", "") } else { fleet(request) }
    });
    let home = Home::new();
    let line = format!("exec $NIXFLEET fleet status --prometheus {} --watch 1", server.url());
    let mut terminal = Terminal::start(&home, 120, &line);
    terminal.wait_for("HTTP 502", 1);
    terminal.wait_for("2 hosts", 2);
    terminal.press("q");
    let ended = terminal.end();
    assert!(ended.stdout.contains("HTTP 502") && ended.stdout.matches("2 hosts").count() >= 2, "{}", ended.stdout);
}

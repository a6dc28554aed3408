//! A pull request with a new `flake.lock`, from the moment that it is opened on GitHub: an agent asks a GitHub of our own,
//! an exporter shows what it found, and a person merges with `nixfleet pr merge`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its world has failed")]

use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nixfleet_core::model::{Action, Compartment, HostStatus};
use serde_json::json;
use wiremock::ResponseTemplate;
use world::example_flake::{UPDATED, lock};
use world::example_host::ExampleHost;
use world::exporter::{Exporter, Scrape};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::git;
use world::github::{GithubServer, Pull};
use world::programs::User;

const BRANCH: &str = "update-flake-lock";

/// A host whose remote is at a GitHub of our own, with a real agent and a real exporter.
struct Fleet {
    // The programs end before what they look at goes.
    agent: Agent,
    exporter: Exporter,
    person: User,
    git: HttpServer,
    github: GithubServer,
    host: ExampleHost,
}

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Fleet {
    fn new() -> Self {
        let host = ExampleHost::new();
        let github = GithubServer::start();
        // At the address that the remote would have: OWNER/NAME.git.
        let served = host.remote.parent().unwrap().join("served");
        std::fs::create_dir_all(served.join("example")).unwrap();
        std::os::unix::fs::symlink(&host.remote, served.join("example/fleet.git")).unwrap();
        let git = HttpServer::start(&served, Behaviour::default());
        let config = json!({
            "host": "web1",
            "repository": { "url": url(&git), "branch": "main" },
            "github": { "enable": true, "api_url": github.api_url(), "interval_seconds": 1 },
            "agent": { "interval_seconds": 1 }
        });
        std::fs::write(&host.config, config.to_string()).unwrap();
        let person = User::new();
        let exporter = Exporter::start(&person, host.options());
        let mut command = person.command("nixfleet-agent");
        let places = &host.options()[..6];
        command.args(places).arg("run").env("NIXFLEET_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        let agent = Agent(command.stderr(Stdio::inherit()).spawn().unwrap());
        Self { agent, exporter, person, git, github, host }
    }

    /// A bot pushes a branch with new pins, and opens a pull request.
    fn update_opens(&self, number: u64) -> String {
        let workstation = &self.host.workstation;
        git(workstation, &["checkout", "--quiet", "-b", BRANCH]);
        std::fs::write(workstation.join("flake.lock"), lock(UPDATED)).unwrap();
        git(workstation, &["commit", "--quiet", "--all", "--message", "flake.lock: update"]);
        git(workstation, &["push", "--quiet", "origin", BRANCH]);
        let head = git(workstation, &["rev-parse", "HEAD"]);
        git(workstation, &["checkout", "--quiet", "main"]);
        let base = git(workstation, &["rev-parse", "HEAD"]);
        let read = |revision: &str| {
            let text = git(workstation, &["show", &format!("{revision}:flake.lock")]);
            (revision.to_owned(), format!("{text}\n").into_bytes())
        };
        let locks = [read(&base), read(&head)];
        let locks: Vec<(&str, &[u8])> = locks.iter().map(|(revision, lock)| (revision.as_str(), &lock[..])).collect();
        self.github.has_branch(&base, &locks);
        self.github.has(vec![Pull { head: head.clone(), base_revision: base, ..Pull::update(number) }]);
        head
    }

    fn until(&self, what: &str, condition: impl Fn(&Scrape) -> bool) -> Scrape {
        let started = Instant::now();
        loop {
            let scrape = self.exporter.scrape();
            if condition(&scrape) {
                return scrape;
            }
            assert!(started.elapsed() < Duration::from_mins(4), "not {what}: {}", scrape.text);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn status(&self) -> HostStatus {
        self.person.nixfleet_status(&self.host.options()).status()
    }

    fn written(&self) -> Option<SystemTime> {
        std::fs::metadata(self.host.state.path.join("pull-request.json")).ok()?.modified().ok()
    }

    fn asked(&self) -> usize {
        self.github.asked(0).len()
    }
}

fn url(git: &HttpServer) -> String {
    git.url().replace("/repository/.git", "/example/fleet.git")
}

fn is_in(states: &'static str) -> impl Fn(&Scrape) -> bool {
    move |scrape| scrape.states() == states
}

#[test]
fn an_open_update_turns_lock_yellow_and_trouble_at_github_changes_nothing() {
    let mut fleet = Fleet::new();
    fleet.until("row 1", |scrape| scrape.states() == "GGGGG" && !scrape.of("nixfleet_pull_request_open").is_empty());

    fleet.update_opens(7);
    let scrape = fleet.until("row 11", is_in("GGYGG"));
    let info = "nixfleet_pull_request_info{number=\"7\",url=\"https://github.com/example/fleet/pull/7\"}";
    assert_eq!(
        (scrape.value("nixfleet_pull_request_open"), scrape.value(info)),
        (Some(1.0), Some(1.0)),
        "{}",
        scrape.text
    );
    let lock = fleet.status().compartments.get(Compartment::Lock).clone();
    assert_eq!(lock.reason, "PR #7 pending: flake.lock: update (https://github.com/example/fleet/pull/7)");
    assert_eq!(lock.action, Some(Action::MergePullRequest { number: 7 }));
    assert_eq!(lock.since, Some(Pull::update(7).created_at), "its age");

    // At rest: conditional requests, and no write.
    let (written, asked) = (fleet.written(), fleet.asked());
    let started = Instant::now();
    while fleet.asked() < asked + 3 {
        assert!(started.elapsed() < Duration::from_mins(4), "GitHub is asked no more");
        std::thread::sleep(Duration::from_millis(100));
    }
    let at_rest = fleet.github.asked(asked);
    assert!(at_rest.iter().all(|line| line == "GET /repos/example/fleet/pulls 304"), "{at_rest:?}");
    assert_eq!(fleet.written(), written);

    // Row 46, with the last good answer in place.
    fleet
        .github
        .makes_up(|_, _| Some(ResponseTemplate::new(401).set_body_json(json!({ "message": "Bad credentials" }))));
    let scrape = fleet.until("said in a metric", |scrape| scrape.unreadable() == ["pull_requests"]);
    assert_eq!(scrape.states(), "GGYGG");
    let reason = fleet.status().compartments.get(Compartment::Lock).reason.clone();
    assert!(
        reason.starts_with("PR #7 pending") && reason.contains("pull requests last read") && reason.contains("(401)"),
        "{reason}"
    );
    fleet.github.makes_up_nothing();
    fleet.until("well again", |scrape| scrape.unreadable().is_empty() && scrape.states() == "GGYGG");
    assert_eq!(fleet.written(), written, "an error erases nothing and writes nothing");

    // Where GitHub is not to be asked any more, what it said counts no more.
    let config = json!({ "host": "web1", "repository": { "url": url(&fleet.git), "branch": "main" }, "agent": { "interval_seconds": 1 } });
    std::fs::write(&fleet.host.config, config.to_string()).unwrap();
    fleet.exporter = Exporter::start(&fleet.person, fleet.host.options());
    let scrape = fleet.until("off", is_in("GGGGG"));
    assert_eq!(scrape.of("nixfleet_pull_request_open").len(), 0);
    assert!(fleet.agent.0.try_wait().unwrap().is_none(), "the agent lives");
}

/// The weekly update from the opened pull request to its merge (rows 1, 11, 12), and back again by a revert.
#[test]
fn a_person_merges_the_update_and_takes_it_back() {
    let fleet = Fleet::new();
    fleet.until("row 1", |scrape| scrape.states() == "GGGGG" && !scrape.of("nixfleet_pull_request_open").is_empty());
    let before = git(&fleet.host.remote, &["rev-parse", "main"]);
    fleet.update_opens(7);
    fleet.until("row 11", is_in("GGYGG"));
    let remote = fleet.host.remote.clone();
    fleet.github.on_merge(move |number, _| {
        let tree = git(&remote, &["rev-parse", &format!("{BRANCH}^{{tree}}")]);
        let message = format!("Merge pull request #{number}");
        let merge = git(&remote, &["commit-tree", &tree, "-p", "main", "-p", BRANCH, "-m", &message]);
        git(&remote, &["update-ref", "refs/heads/main", &merge]);
        merge
    });

    // On the host itself: the remote, the token and the log are the host's.
    let places = &fleet.host.options()[..6];
    let on_host = |arguments: &[&str]| {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        fleet.person.nixfleet(arguments.chain(places.iter().cloned()).collect::<Vec<_>>())
    };
    let merged = on_host(&["pr", "merge", "7", "--yes"]);
    assert_eq!(merged.exit_code, Some(0), "{merged:?}");
    assert!(merged.stdout.starts_with("#7 is merged as "), "{merged:?}");
    assert!(merged.stderr.contains("nixpkgs e2587ca (2026-03-13) -> 7105ae3 (2026-03-20)"), "{merged:?}");
    assert!(merged.stderr.contains(", web1 among them: Git and Lock turn yellow"), "{merged:?}");
    let scrape = fleet.until("row 12", |scrape| {
        scrape.states() == "GYYGG" && scrape.value("nixfleet_pull_request_open") == Some(0.0)
    });
    assert_eq!(scrape.value("nixfleet_git_commits_behind"), Some(2.0), "{}", scrape.text);
    let lock = fleet.status().compartments.get(Compartment::Lock).clone();
    assert_eq!(lock.action, Some(Action::Pull), "{}", lock.reason);
    let audit = fleet.host.state.audit().read().unwrap().entries;
    let told: Vec<_> = audit.iter().map(|entry| (entry.action.as_str(), entry.outcome.as_str())).collect();
    assert_eq!(told, [("pr merge", "started"), ("pr merge", "success")]);

    // The host has not pulled it yet, and says so.
    let opened = on_host(&["pr", "revert", "7", "--yes"]);
    assert!(opened.exit_code == Some(0) && opened.stdout.starts_with("#8 Revert \"flake.lock: update\""), "{opened:?}");
    assert!(opened.stderr.contains("web1 does not have it"), "{opened:?}");
    // The revert is an update of flake.lock like any other, and its merge brings the old pins back.
    let remote = fleet.host.remote.clone();
    let tree = git(&remote, &["rev-parse", &format!("{before}^{{tree}}")]);
    fleet.github.on_merge(move |_, _| {
        let revert = git(&remote, &["commit-tree", &tree, "-p", "main", "-m", "Revert"]);
        git(&remote, &["update-ref", "refs/heads/main", &revert]);
        revert
    });
    let merged = on_host(&["pr", "merge", "8", "--yes"]);
    assert_eq!(merged.exit_code, Some(0), "{merged:?}");
    fleet.until("the old pins again, two merges behind", is_in("GYGGG"));
}

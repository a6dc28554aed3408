//! A whole host made of files, as the exporter and `nixfleet status` observe it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git::RemoteSource;
use nixfleet_core::model::State;
use nixfleet_core::observation::{
    AgentHeartbeat, IndividualTest, IndividualTestResult, Observation, Operation, OperationResult, PullRequestAttempt,
    PullRequestList, PullRequestStatus, Reading, RemoteAttempt, Source, TestsSetup,
};
use nixfleet_core::observe::HostObserver;
use nixfleet_core::state_directory::{Ended, JournalEntry, RuntimeDirectory, Started, StateDirectory, TestRunRecord};
use nixfleet_core::{Revision, infer};
use world::git_server::repository::TestRepository;
use world::nixos_root::{NixosRoot, Toplevel};

fn now() -> Timestamp {
    "2026-03-16T12:00:00Z".parse().unwrap()
}

/// The hash part of another system's store path.
const ELSE: &str = "x2f9h4sjw8pbn0l6a3vqk7rzd1c5ymgi";

/// Where a part of a host lies.
type Place = fn(&Host) -> PathBuf;

/// A host that is as it should be.
struct Host {
    root: NixosRoot,
    origin: TestRepository,
    checkout: TestRepository,
    state: StateDirectory,
    runtime: RuntimeDirectory,
    config: HostConfig,
}

impl Host {
    fn new() -> Self {
        let origin = TestRepository::new();
        let test = origin.path.join("hosts/web1/tests/10-ssh");
        origin.commit("hosts/web1/tests/10-ssh", "#!/bin/sh\n", "a test");
        fs::set_permissions(&test, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        origin.git(&["commit", "--quiet", "-am", "executable"]);
        let checkout = origin.clone(&[]);
        let head: Revision = checkout.head().parse().unwrap();

        let root = NixosRoot::new();
        let system = root.build(&Toplevel { configuration_revision: Some(head.to_string()), ..Toplevel::default() });
        root.boot(&system);
        root.add_generation(7, &system, 1_700_000_000);
        root.write("/proc/sys/kernel/random/boot_id", "this-boot\n");
        root.directory("/run/systemd/units");
        root.directory("/var/lib/nixfleet");
        root.directory("/run/nixfleet");
        let state = StateDirectory::new(root.on_host("/var/lib/nixfleet"));
        let runtime = RuntimeDirectory::new(root.on_host("/run/nixfleet"));

        let mut config = HostConfig { host: Some("web1".to_owned()), ..HostConfig::default() };
        config.repository.path = Some(checkout.path.clone());
        let host = Self { root, origin, checkout, state, runtime, config };
        host.agent_looks_at_the_remote();
        host.write_operations(&head, &system);
        host
    }

    fn agent_looks_at_the_remote(&self) {
        let heartbeat = AgentHeartbeat {
            version: "1.0".to_owned(),
            revision: None,
            started_at: now() - Duration::from_hours(9),
            heartbeat_at: now(),
            next_check_at: None,
        };
        self.runtime.write_agent(&heartbeat).unwrap();
        self.runtime.write_remote_attempt(&RemoteAttempt::succeeded(None, now())).unwrap();
        let source = RemoteSource::new(format!("file://{}", self.origin.path.display()), Some("main".to_owned()));
        let store = nixfleet_core::git::RemoteStore::new(self.state.remote_repository_path());
        let previous = self.state.read_remote().unwrap();
        let tip = store.observe(&source, previous.as_ref(), Some(&self.checkout.path), now()).unwrap();
        self.state.write_remote(&tip).unwrap();
        let list = PullRequestList { observed_at: now(), open: Vec::new(), remote_url: None };
        self.state.write_pull_requests(&PullRequestStatus { last_good: Some(list), error: None }).unwrap();
    }

    fn write_operations(&self, head: &Revision, system: &Path) {
        for operation in [Operation::Switch, Operation::Test] {
            let invocation_id = format!("{operation}-1");
            let started = Started {
                operation,
                unit: format!("nixfleet-{operation}.service"),
                invocation_id: invocation_id.clone(),
                boot_id: Some("this-boot".to_owned()),
                at: now() - Duration::from_mins(9),
                revision: Some(head.clone()),
                from_revision: None,
                from_store_path: Some(system.to_owned()),
            };
            let ended = Ended {
                operation,
                invocation_id,
                at: now() - Duration::from_mins(8),
                result: OperationResult::Success,
                exit_code: Some(0),
                signal: None,
                phase: None,
                revision: Some(head.clone()),
                from_revision: None,
                store_path: Some(system.to_owned()),
                next_boot_store_path: None,
                generation: None,
                detail: None,
                tests: None,
            };
            self.state.journal().append(&JournalEntry::Started(started)).unwrap();
            self.state.journal().append(&JournalEntry::Ended(ended)).unwrap();
        }
        let test = IndividualTest {
            name: "10-ssh".to_owned(),
            result: IndividualTestResult::Passed,
            duration_seconds: 1,
            exit_code: Some(0),
        };
        let run = TestRunRecord {
            invocation_id: "test-1".to_owned(),
            store_path: Some(system.to_owned()),
            revision: None,
            started_at: now() - Duration::from_mins(9),
            ended_at: None,
            result: OperationResult::Success,
            tests: vec![test],
        };
        self.state.write_tests(&run).unwrap();
    }

    fn observer(&self) -> HostObserver {
        let (config, state, runtime) = (self.config.clone(), self.state.clone(), self.runtime.clone());
        // A loaded machine is no source that hangs.
        HostObserver::new(config, state, runtime, self.root.path(), "1.0").with_limit(Duration::from_mins(1))
    }

    fn observe(&self) -> Observation {
        self.observer().observe(now())
    }
}

fn states(observation: &Observation) -> String {
    infer(observation, now()).compartments.iter().map(|(_, status)| status.state.name()).collect::<Vec<_>>().join(" ")
}

fn unreadable(observation: &Observation) -> Vec<Source> {
    Source::ALL.into_iter().filter(|source| observation.unreadable(*source).is_some()).collect()
}

#[test]
fn a_host_as_it_should_be() {
    let host = Host::new();
    let observation = host.observe();
    assert_eq!(states(&observation), "ok ok ok ok ok");
    assert_eq!(unreadable(&observation), []);
    assert_eq!(observation.host, "web1");
    assert_eq!(observation.tests, TestsSetup::Found(1));
    assert_eq!(observation.remote.branch.as_deref(), Some("main"));
    let status = infer(&observation, now()).compartments;
    assert_eq!(status.tests.reason, "1 passed 8 min ago");
    assert_eq!(status.system.since, Some(now() - Duration::from_mins(8)));
    assert_eq!(infer(&host.observe(), now()).compartments, status, "a second look shows the same");
}

#[test]
fn the_remote_moves_on() {
    let host = Host::new();
    host.origin.commit("flake.lock", "{\"version\": 7}\n", "an update");
    host.agent_looks_at_the_remote();
    let observation = host.observe();
    assert_eq!(states(&observation), "ok outdated outdated ok ok");
    let git = infer(&observation, now()).compartments.git.reason;
    assert!(git.starts_with("1 commit behind ") && git.ends_with(": an update"), "{git}");
}

#[test]
fn each_source_that_is_missing_leaves_its_own_question_open() {
    let checkout = |host: &Host| host.checkout.path.clone();
    let table: [(Place, &str); 9] = [
        (|host| host.runtime.path.join("agent.json"), "unknown ok ok ok ok"),
        (|host| host.runtime.path.join("remote-attempt.json"), "ok ok ok ok ok"),
        (|host| host.state.path.join("remote.json"), "ok unknown unknown ok ok"),
        (|host| host.state.path.join("pull-request.json"), "ok ok ok ok ok"),
        (|host| host.state.path.join("tests.json"), "ok ok ok ok ok"),
        (|host| host.state.path.join("journal.jsonl"), "ok ok ok ok outdated"),
        (|host| host.checkout.path.join("flake.lock"), "ok ok unknown ok ok"),
        (|host| host.root.on_host("/run/current-system"), "ok ok ok unknown outdated"),
        (|host| host.root.on_host("/nix/var/nix/profiles/system-7-link"), "ok ok ok ok ok"),
    ];
    for (place, expected) in table {
        let host = Host::new();
        fs::remove_file(place(&host)).unwrap();
        let observation = host.observe();
        assert_eq!(states(&observation), expected, "without {}", place(&host).display());
        assert_eq!(unreadable(&observation), [], "without {}", place(&host).display());
    }
    let host = Host::new();
    fs::remove_dir_all(checkout(&host)).unwrap();
    assert_eq!(states(&host.observe()), "ok unknown unknown unknown unknown");

    let host = Host::new();
    fs::remove_dir_all(host.root.path()).unwrap();
    let observation = host.observe();
    assert_eq!(states(&observation), "unknown unknown unknown unknown outdated");
    assert_eq!(unreadable(&observation), []);
}

#[test]
fn each_source_that_is_damaged_is_told_and_no_other_suffers() {
    let table: [(Place, Source, &str); 7] = [
        (|host| host.runtime.path.join("agent.json"), Source::Agent, "unknown ok ok ok ok"),
        (|host| host.runtime.path.join("remote-attempt.json"), Source::Remote, "ok ok ok ok ok"),
        (|host| host.state.path.join("remote.json"), Source::Remote, "ok unknown unknown ok ok"),
        (|host| host.state.path.join("pull-request.json"), Source::PullRequests, "ok ok ok ok ok"),
        (|host| host.state.path.join("journal.jsonl"), Source::Journal, "ok ok ok ok unknown"),
        (|host| host.state.path.join("tests.json"), Source::Tests, "ok ok ok ok ok"),
        (|host| host.root.on_host("/run/current-system"), Source::System, "ok ok ok unknown unknown"),
    ];
    for (place, source, expected) in table {
        let host = Host::new();
        let place = place(&host);
        fs::remove_file(&place).unwrap();
        fs::write(&place, "{\n").unwrap();
        let observation = host.observe();
        assert_eq!(unreadable(&observation), [source], "{}", place.display());
        assert_eq!(states(&observation), expected, "{}", place.display());
    }
    let host = Host::new();
    host.checkout.write(".git/HEAD", "no reference");
    let observation = host.observe();
    assert_eq!(unreadable(&observation), [Source::Repository, Source::Lock]);
    assert_eq!(states(&observation), "ok unknown unknown unknown ok");
}

/// The journal tells how the run ended, `tests.json` each test.
#[test]
fn a_damaged_record_of_single_tests_leaves_the_run() {
    let host = Host::new();
    fs::write(host.state.path.join("tests.json"), "{").unwrap();
    let tests = infer(&host.observe(), now()).compartments.tests;
    assert_eq!(tests.state, State::Ok);
    assert!(tests.reason.starts_with("the run passed 8 min ago; "), "{}", tests.reason);
    assert!(tests.reason.contains("tests.json is cut off"), "{}", tests.reason);
}

#[test]
fn what_another_remote_answered_does_not_count_after_a_change_of_the_configuration() {
    let mut host = Host::new();
    host.config.repository.url = Some(format!("file://{}", host.origin.path.display()));
    host.config.repository.branch = Some("main".to_owned());
    assert_eq!(states(&host.observe()), "ok ok ok ok ok");
    host.config.repository.branch = Some("next".to_owned());
    assert_eq!(host.observe().remote.last_good, None);
    host.config.repository.branch = None;
    host.config.repository.url = Some("https://example.org/another.git".to_owned());
    let observation = host.observe();
    assert_eq!(observation.remote.last_good, None);
    assert_eq!(states(&observation), "ok unknown unknown ok ok");
}

#[test]
fn a_checkout_that_lost_its_repository_is_not_the_one_around_it() {
    let host = Host::new();
    let path = &host.checkout.path;
    std::fs::remove_dir_all(path.join(".git")).unwrap();
    world::git_server::repository::git(path.parent().unwrap(), &["init", "--quiet"]);
    let observation = host.observer().observe(now());
    let sentence = observation.unreadable(Source::Repository).unwrap();
    assert!(sentence.contains("it only lies in one"), "{sentence}");
    assert!(states(&observation).contains("unknown unknown"), "Git and Lock: {}", states(&observation));
}

/// What is only pulled, or only lies in the work tree, is not run, and so it does not count.
#[test]
fn tests_are_looked_for_in_the_commit_that_runs() {
    let host = Host::new();
    let executable = |name: &str| {
        host.checkout.write(name, "#!/bin/sh\n");
        fs::set_permissions(host.checkout.path.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    };
    executable("hosts/web1/tests/20-not-committed");
    assert_eq!(host.observe().tests, TestsSetup::Found(1));
    executable("hosts/web1/tests/30-not-deployed");
    host.checkout.git(&["add", "--all"]);
    host.checkout.git(&["commit", "--quiet", "-m", "tests"]);
    assert_eq!(host.observe().tests, TestsSetup::Found(1));
    let run_something_else = |revision: Option<String>| {
        let system = host.root.build(&Toplevel { configuration_revision: revision, hash: ELSE, ..Toplevel::default() });
        host.root.run(&system);
    };
    // Not known, or not there: it is HEAD that counts.
    run_something_else(None);
    assert_eq!(host.observe().tests, TestsSetup::Found(3));
    host.checkout.git(&["rm", "-r", "--quiet", "hosts"]);
    host.checkout.git(&["commit", "--quiet", "-m", "no tests"]);
    let observation = host.observe();
    assert_eq!(observation.tests, TestsSetup::NoneFound);
    let reason = infer(&observation, now()).compartments.tests.reason;
    assert_eq!(reason, "the configuration repository has no tests for the running system");
}

#[test]
fn tests_can_be_disabled() {
    let mut host = Host::new();
    host.config.tests.enable = false;
    assert_eq!(host.observe().tests, TestsSetup::Disabled);
}

fn make_fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    fs::remove_file(path).unwrap();
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
}

#[test]
fn a_fifo_in_the_place_of_a_file_holds_nobody() {
    let host = Host::new();
    for file in ["remote.json", "pull-request.json", "tests.json", "journal.jsonl"] {
        make_fifo(&host.state.path.join(file));
    }
    make_fifo(&host.runtime.path.join("agent.json"));
    make_fifo(&host.checkout.path.join("flake.lock"));
    let observation = host.observe();
    assert_eq!(
        unreadable(&observation),
        [Source::Agent, Source::Lock, Source::Remote, Source::PullRequests, Source::Journal, Source::Tests]
    );
}

/// libgit2 opens the reference as it would any file: it waits for whoever writes to the other end.
#[test]
fn a_source_that_hangs_costs_its_limit_and_no_other_source() {
    let host = Host::new();
    let observer = host.observer().with_limit(Duration::from_secs(4));
    let branch = host.checkout.path.join(".git/refs/heads/main");
    let content = fs::read(&branch).unwrap();
    make_fifo(&branch);
    for _ in 0..2 {
        let start = Instant::now();
        let observation = observer.observe(now());
        assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());
        assert_eq!(unreadable(&observation), [Source::Repository, Source::Lock]);
        assert_eq!(states(&observation), "ok unknown unknown unknown unknown");
        let reason = infer(&observation, now()).compartments.git.reason;
        assert!(reason.starts_with("the repository did not answer within 4s: "), "{reason}");
    }
    // The file system answers again: the next look is whole.
    let writer = fs::OpenOptions::new().write(true).open(&branch).unwrap();
    fs::remove_file(&branch).unwrap();
    fs::write(&branch, content).unwrap();
    drop(writer);
    let deadline = Instant::now() + Duration::from_mins(2);
    while states(&observer.observe(now())) != "ok ok ok ok ok" {
        assert!(Instant::now() < deadline, "the observer does not recover");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(matches!(observer.observe(now()).repository, Reading::Present(_)));
}

/// What an agent recorded of GitHub, as far as the configuration of now asks for it.
#[test]
fn pull_requests_are_those_of_the_configured_remote() {
    const URL: &str = "https://github.com/example/fleet.git";
    let mut host = Host::new();
    let list = |remote_url: Option<&str>| PullRequestStatus {
        last_good: Some(PullRequestList {
            observed_at: now() - Duration::from_hours(9),
            open: Vec::new(),
            remote_url: remote_url.map(str::to_owned),
        }),
        error: None,
    };
    let failed = RemoteAttempt::failed(
        Some(&RemoteAttempt::succeeded(None, now() - Duration::from_hours(1))),
        now(),
        "no token",
    );
    let attempt = PullRequestAttempt { attempt: failed, remote_url: URL.to_owned() };
    host.runtime.write_pull_request_attempt(&attempt).unwrap();
    for (enable, url, recorded, list_counts, error) in [
        (true, Some(URL), Some(URL), true, Some("no token")),
        (true, Some("https://user:pw@github.com/example/fleet.git"), Some(URL), true, Some("no token")),
        (true, Some("https://github.com/example/other.git"), Some(URL), false, None),
        (true, None, Some(URL), true, Some("no token")),
        (false, Some(URL), Some(URL), false, None),
        (false, Some(URL), None, true, None),
    ] {
        host.state.write_pull_requests(&list(recorded)).unwrap();
        host.config.repository.url = url.map(str::to_owned);
        host.config.github.enable = enable;
        let found = host.observe().pull_requests;
        assert_eq!(
            (found.last_good.is_some(), found.error.as_deref()),
            (list_counts, error),
            "{enable} {url:?} {recorded:?}"
        );
        if enable && list_counts {
            let expected = now() - Duration::from_hours(1);
            assert_eq!(found.last_good.unwrap().observed_at, expected, "as fresh as the last success");
        }
    }
    std::fs::write(host.runtime.path.join("pull-request-attempt.json"), "{").unwrap();
    host.config.github.enable = true;
    let observation = host.observe();
    assert!(observation.unreadable(Source::PullRequests).unwrap().contains("pull-request-attempt.json"));
    assert!(observation.pull_requests.last_good.is_some(), "an error erases nothing");
}

//! `nixfleet status` on a host: configuration, state directory, checkout and running system are real files.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod command;

use command::{Ended, Home};
use jiff::Timestamp;
use nixfleet_core::git::{Credentials, RemoteSource, RemoteStore, Timeouts};
use nixfleet_core::model::{Action, HostStatus, State};
use nixfleet_core::state_directory::StateDirectory;
use world::git_server::repository::TestRepository;
use world::nixos_root::{NixosRoot, Toplevel};

struct TestHost {
    home: Home,
    root: NixosRoot,
    checkout: TestRepository,
}

impl TestHost {
    /// Runs the checkout's commit; the agent has not run yet.
    fn new(checkout: TestRepository) -> Self {
        let (home, root) = (Home::new(), NixosRoot::new());
        let system = root.build(&Toplevel { configuration_revision: Some(checkout.head()), ..Toplevel::default() });
        root.boot(&system);
        root.add_generation(1, &system, 1_700_000_000);
        let config = serde_json::json!({ "host": "web1", "repository": { "path": checkout.path } });
        std::fs::write(home.path().join("config.json"), config.to_string()).unwrap();
        std::fs::create_dir(home.path().join("state")).unwrap();
        std::fs::create_dir(home.path().join("run")).unwrap();
        Self { home, root, checkout }
    }

    /// What the agent does: asks the remote and writes down what it said.
    fn ask(&self, origin: &TestRepository) {
        let state = StateDirectory::new(self.home.path().join("state"));
        let source = RemoteSource {
            url: origin.path.to_str().unwrap().to_owned(),
            branch: Some("main".to_owned()),
            credentials: Credentials::default(),
            timeouts: Timeouts::default(),
        };
        let store = RemoteStore::new(state.remote_repository_path());
        let answer = store.observe(&source, None, Some(&self.checkout.path), Timestamp::now()).unwrap();
        state.write_remote(&answer).unwrap();
    }

    fn status(&self, arguments: &[&str]) -> Ended {
        let path = |name: &str| self.home.path().join(name).to_str().unwrap().to_owned();
        let places = [
            ["--config", &path("config.json")],
            ["--state-directory", &path("state")],
            ["--runtime-directory", &path("run")],
            ["--root", self.root.path().to_str().unwrap()],
        ];
        self.home.nixfleet(&[&["status"], places.as_flattened(), arguments].concat())
    }
}

#[test]
fn a_host_whose_agent_never_ran_and_then_asked_the_remote() {
    let origin = TestRepository::new();
    let host = TestHost::new(origin.clone(&[]));
    origin.commit("a.nix", "{ }\n", "second");

    let ended = host.status(&["--fail-on", "outdated"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("web1  "), "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 7, "{}", ended.stdout);

    host.ask(&origin);
    let ended = host.status(&["--json", "--fail-on", "outdated"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""), "{}", ended.stdout);
    let status: HostStatus = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(status.host, "web1");
    let of = &status.compartments;
    assert_eq!((of.git.state, of.git.action), (State::Outdated, Some(Action::Pull)), "{}", of.git.reason);
    assert_eq!((of.lock.state, of.system.state), (State::Ok, State::Ok), "{} {}", of.lock.reason, of.system.reason);
}

#[test]
fn a_source_that_cannot_be_read_is_a_gray_compartment_and_no_failure() {
    let host = TestHost::new(TestRepository::new());
    std::fs::write(host.home.path().join("state/remote.json"), "not json").unwrap();
    host.root.remove("/run/current-system");
    let ended = host.status(&["--json", "--fail-on", "outdated"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    let status: HostStatus = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(status.compartments.git.state, State::Unknown, "{}", status.compartments.git.reason);
    assert_eq!(status.compartments.system.state, State::Unknown, "{}", status.compartments.system.reason);
}

/// The checkout need not have it: it may be of a branch that was rewritten since.
#[test]
fn what_is_held_is_released_by_the_name_that_the_hold_says() {
    let home = Home::new();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("state")).unwrap();
    std::fs::write(path("config.json"), "{}").unwrap();
    let places = ["--config", &path("config.json"), "--state-directory", &path("state")];
    let run = |words: &[&str]| home.nixfleet(&[words, &places].concat());
    let revision = "0123456789abcdef0123456789abcdef01234567";
    let held = run(&["hold", revision]);
    assert!(held.stderr.contains("`nixfleet release 0123456`"), "{held:?}");
    let again = run(&["hold", revision, "--json"]);
    assert_eq!(again.stdout, format!("{{\"revision\":\"{revision}\",\"is_held\":true}}\n"));
    for (name, code) in [("012", 1), ("0124", 1), ("0123456", 0), ("0123456", 1)] {
        let released = run(&["release", name]);
        assert_eq!(released.code, Some(code), "{name}: {released:?}");
    }
    let journal = std::fs::read_to_string(home.path().join("state/journal.jsonl")).unwrap();
    assert_eq!(journal.matches(&format!("\"revision\":\"{revision}\"")).count(), 3, "{journal}");
    let released = run(&["release", revision, "--json"]);
    assert_eq!(released.stdout, format!("{{\"revision\":\"{revision}\",\"is_held\":false}}\n"));
}

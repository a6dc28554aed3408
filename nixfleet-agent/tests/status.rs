//! `nixfleet status` on real repositories.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod command;

use command::Home;
use nixfleet_core::model::{Action, HostStatus, State};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::TestRepository;

fn json(home: &Home, repository: &TestRepository, arguments: &[&str]) -> HostStatus {
    let ended = home.status(&repository.path, &[&["--json"], arguments].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert_eq!(ended.stdout.lines().count(), 1, "one object is one line: {}", ended.stdout);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn a_checkout_is_compared_with_its_upstream() {
    let home = Home::new();
    let origin = TestRepository::new();
    let (current, behind) = (origin.clone(&[]), origin.clone(&[]));
    let (ahead, diverged) = (origin.clone(&[]), origin.clone(&[]));
    origin.commit("flake.lock", "{\"version\":7, \"nodes\":{}}\n", "second");
    current.git(&["pull", "--quiet"]);
    ahead.git(&["pull", "--quiet"]);
    for local in [&ahead, &diverged] {
        local.commit("local.nix", "{ }\n", "local");
    }
    for (repository, git, action, lock, reason, code) in [
        (&current, State::Ok, None, State::Ok, "second", 0),
        (&behind, State::Outdated, Some(Action::Pull), State::Outdated, "1 commit behind", 3),
        (&ahead, State::Outdated, Some(Action::Push), State::Ok, "1 commit ahead", 3),
        (&diverged, State::Outdated, Some(Action::Reconcile), State::Outdated, "1 ahead, 1 behind", 3),
    ] {
        let before = (repository.head(), repository.git(&["for-each-ref"]), repository.git(&["count-objects"]));
        let status = json(&home, repository, &[]);
        let compartments = &status.compartments;
        assert_eq!((compartments.git.state, compartments.git.action), (git, action), "{reason}");
        assert!(compartments.git.reason.contains(reason), "{}", compartments.git.reason);
        assert_eq!(compartments.lock.state, lock, "{reason}");
        for other in [&compartments.agent, &compartments.system, &compartments.tests] {
            assert_eq!(other.state, State::Unknown, "{reason}");
        }
        let table = home.status(&repository.path, &["--fail-on", "outdated"]);
        assert_eq!((table.code, table.stderr.as_str()), (Some(code), ""));
        assert!(table.stdout.contains(reason), "{}", table.stdout);
        assert_eq!(table.stdout.lines().count(), 7, "piped, nothing is wrapped: {}", table.stdout);
        assert_eq!(home.status(&repository.path, &["--fail-on", "error"]).code, Some(0));
        let after = (repository.head(), repository.git(&["for-each-ref"]), repository.git(&["count-objects"]));
        assert_eq!(before, after, "looking changes nothing");
    }
}

#[test]
fn a_remote_that_cannot_be_read_is_an_error_without_secrets() {
    let home = Home::new();
    let repository = TestRepository::new().clone(&[]);
    repository.git(&["remote", "set-url", "origin", "http://user:hunter2@127.0.0.1:9/fleet.git"]);
    let status = json(&home, &repository, &[]);
    for of in [&status.compartments.git, &status.compartments.lock] {
        assert_eq!((of.state, of.action), (State::Error, Some(Action::CheckRemote)));
        assert!(of.reason.contains("127.0.0.1:9") && !of.reason.contains("hunter2"), "{}", of.reason);
    }
    assert_eq!(home.status(&repository.path, &["--fail-on", "outdated"]).code, Some(4));
    assert_eq!(home.status(&repository.path, &["--fail-on", "error"]).code, Some(4));
    assert_eq!(home.status(&repository.path, &[]).code, Some(0), "without --fail-on a state is no failure");
}

#[test]
fn a_checkout_without_a_remote() {
    let repository = TestRepository::new();
    let status = json(&Home::new(), &repository, &[]);
    assert_eq!(status.compartments.git.state, State::Unknown);
    assert!(status.compartments.git.reason.contains("no remote is configured"), "{}", status.compartments.git.reason);
}

#[test]
fn another_remote_and_credentials_for_it() {
    let home = Home::new();
    let origin = TestRepository::new();
    let repository = TestRepository::new();
    // "admin:s3cret"
    let authorization = Some("Basic YWRtaW46czNjcmV0".to_owned());
    let server = HttpServer::start(origin.root(), Behaviour { authorization, ..Behaviour::default() });
    let token = home.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let url = ["--url", &server.url(), "--branch", "main"];
    let who = ["--token-file", token.to_str().unwrap(), "--username", "admin"];
    let denied = json(&home, &repository, &url);
    assert_eq!(denied.compartments.git.state, State::Error, "{}", denied.compartments.git.reason);
    let let_in = json(&home, &repository, &[&url[..], &who].concat());
    assert_ne!(let_in.compartments.git.state, State::Error, "{}", let_in.compartments.git.reason);
}

#[test]
fn the_file_of_known_hosts_reaches_ssh() {
    let repository = TestRepository::new();
    let missing = "/nonexistent/known_hosts";
    let status =
        json(&Home::new(), &repository, &["--url", "ssh://127.0.0.1:9/fleet.git", "--known-hosts-file", missing]);
    assert!(status.compartments.git.reason.contains(missing), "{}", status.compartments.git.reason);
}

#[test]
fn what_cannot_be_done_is_said_in_one_sentence() {
    let home = Home::new();
    let bad = home.path().join("config.json");
    std::fs::write(&bad, "{\"hots\": \"web1\"}").unwrap();
    let bad = bad.to_str().unwrap();
    let empty = TestRepository::empty(&[]);
    let directory = empty.directory.path().to_str().unwrap();
    for (arguments, words) in [
        (&["status", "--config", bad][..], &[bad, "hots"][..]),
        (&["status", "--config", "/nonexistent.json"], &["/nonexistent.json", "--config"]),
        (&["status", "--repo", "/nonexistent"], &["/nonexistent", "Git repository"]),
        (&["status", "--repo", directory], &[directory, "Git repository"]),
        (&["man-pages", "/nonexistent"], &["/nonexistent", "cannot write"]),
    ] {
        let ended = home.nixfleet(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(ended.stderr.starts_with("nixfleet: "), "{}", ended.stderr);
        for word in words {
            assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_host_that_is_not_set_up_is_shown_the_way_out() {
    if std::path::Path::new("/etc/nixfleet/config.json").exists() {
        return;
    }
    let ended = Home::new().nixfleet(&["status"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("services.nixfleet") && ended.stderr.contains("--repo PATH"), "{}", ended.stderr);
}

#[test]
fn nowhere_to_keep_what_is_fetched() {
    let home = Home::new();
    let repository = TestRepository::new();
    let mut command = home.command(command::NIXFLEET);
    command.args(["status", "--repo"]).arg(&repository.path).env_remove("HOME").env_remove("XDG_CACHE_HOME");
    let ended: command::Ended = command.output().unwrap().into();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("XDG_CACHE_HOME"), "{}", ended.stderr);
}

#[test]
fn outputs_that_take_nothing() {
    let home = Home::new();
    let repository = TestRepository::new();
    let repo = repository.path.display();
    for arguments in ["", "--json", "--watch", "--watch --json"] {
        let ended = home.shell(&format!("exec $NIXFLEET status --repo {repo} {arguments} > /dev/full"));
        assert_eq!(ended.code, Some(1), "{arguments}");
        assert!(ended.stderr.contains("cannot write the output: No space left"), "{}", ended.stderr);
    }
    // The runtime opens /dev/null in the place of a closed standard output.
    let ended = home.shell(&format!("exec $NIXFLEET status --repo {repo} >&-"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    // A reader that has seen enough is no failure, and the exit code still tells what was found.
    let gone = "sh -c 'sleep 1; exec $NIXFLEET status --repo";
    let ended = home.shell(&format!("{{ {gone} {repo}'; echo $? >&2; }} | true"));
    assert_eq!(ended.stderr, "0\n");
}

#[test]
fn a_name_or_subject_cannot_steer_the_terminal() {
    let home = Home::new();
    let origin = TestRepository::new();
    let clone = origin.clone(&[]);
    origin.git(&["commit", "--quiet", "--allow-empty", "-m", "\u{1b}[2J\u{1b}]0;title\u{7} subject"]);
    let evil = clone.directory.path().join("\u{1b}[31mrepository");
    std::fs::rename(&clone.path, &evil).unwrap();
    let ended = home.status(&evil, &["--color", "never"]);
    assert!(ended.stdout.contains("subject"), "{}", ended.stdout);
    assert!(!ended.stdout.contains(['\u{1b}', '\u{7}']), "{:?}", ended.stdout);
    let ended = home.status(&evil.join("missing"), &["--color", "always"]);
    assert!(ended.code == Some(1) && !ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
}

#[test]
fn colours() {
    let home = Home::new();
    let repository = TestRepository::new();
    let repo = repository.path.display();
    for (environment, arguments, coloured) in [
        ("", "", false),
        ("", "--color always", true),
        ("CLICOLOR_FORCE=1", "", true),
        ("CLICOLOR_FORCE=1", "--color never", false),
        ("NO_COLOR=1", "--color always", true),
    ] {
        let ended = home.shell(&format!("{environment} $NIXFLEET status --repo {repo} {arguments}"));
        assert_eq!(ended.stdout.contains('\u{1b}'), coloured, "{environment} {arguments}");
    }
    let json = home.status(&repository.path, &["--json", "--color", "always"]);
    assert!(!json.stdout.contains('\u{1b}'), "JSON has no colours");
}

//! `nixfleet pr list`, `show` and `merge`, as a person at a desk and a script use them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod desk;

use std::io::Write as _;
use std::process::{Command, Stdio};

use desk::{Desk, NIXFLEET, run};
use serde_json::json;
use wiremock::ResponseTemplate;
use world::example_flake::{FIRST, UPDATED, lock};
use world::github::{Pull, PullState};

fn failing(pull: &mut Pull) {
    pull.runs = vec![("build".to_owned(), "completed".to_owned(), Some("failure".to_owned()))];
}

#[test]
fn what_waits_is_listed_newest_first() {
    let desk = Desk::with_update();
    let title = "Update \u{202e}all\u{1b}[2J".to_owned();
    let second = Pull { title, computing: 1, ..Pull::update(9) };
    desk.github.has(vec![
        desk.update(7, UPDATED),
        second,
        Pull { files: vec!["flake.nix".to_owned()], ..Pull::update(8) },
    ]);
    desk.github.change(7, failing);
    let ended = desk.pr(&["list"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{ended:?}");
    assert!(lines[0].starts_with("#9 Update  all [2J (") && lines[0].ends_with(" d, update-bot)"), "{lines:?}");
    assert_eq!(lines[1], "  can be merged; no checks; https://github.com/example/fleet/pull/9");
    assert!(lines[2].starts_with("#7 flake.lock: update ("), "{lines:?}");
    assert_eq!(lines[3], "  can be merged; checks failed: build; https://github.com/example/fleet/pull/7");
    let listed = desk.pr(&["list", "--json"]).json();
    assert_eq!((&listed[0]["number"], &listed[1]["number"], &listed[2]), (&json!(9), &json!(7), &json!(null)));
    assert_eq!(listed[1]["checks"]["failed"], json!(["build"]));
    desk.github.has(Vec::new());
    let ended = desk.pr(&["list"]);
    assert!(
        ended.code == Some(0) && ended.stdout.is_empty() && ended.stderr.contains("no open pull request"),
        "{ended:?}"
    );
    assert_eq!(desk.pr(&["list", "--json"]).stdout, "[]\n");
}

#[test]
fn what_changes_is_shown_with_dates_and_pages() {
    let desk = Desk::with_update();
    let ended = desk.pr(&["show", "7"]);
    let (old, new) = (FIRST.nixpkgs, UPDATED.nixpkgs);
    let change = format!(
        "  nixpkgs {} (2026-03-13) -> {} (2026-03-20)\n    https://github.com/NixOS/nixpkgs/compare/{old}...{new}\n",
        &old[..7],
        &new[..7]
    );
    assert!(ended.stdout.ends_with(&format!("can be merged; no checks\nchanges flake.lock\n{change}")), "{ended:?}");
    let shown = desk.pr(&["show", "7", "--json"]).json();
    assert_eq!(shown["inputs"][0]["from"]["revision"], old);
    assert_eq!(
        (&shown["mergeability"], &shown["author"], &shown["is_draft"]),
        (&json!("clean"), &json!("update-bot"), &json!(false))
    );
    let files = (0..2500).map(|number| format!("pkgs/{number}.nix")).collect();
    desk.github.has(vec![Pull { files, is_draft: true, ..desk.update(8, UPDATED) }]);
    let ended = desk.pr(&["show", "8"]);
    assert!(
        ended.stdout.contains("draft; no checks\nchanges pkgs/0.nix") && ended.stdout.contains(" and 2490 more"),
        "{ended:?}"
    );
    desk.github.has_branch(&"b".repeat(40), &[]);
    let ended = desk.pr(&["show", "8"]);
    assert!(ended.code == Some(0) && ended.stdout.contains("inputs is not known: "), "{ended:?}");
}

#[test]
fn nothing_is_merged_without_a_yes() {
    let desk = Desk::with_update();
    let ended = desk.pr(&["merge", "7"]);
    ended.failed_with("standard input is no terminal; say --yes");
    assert!(ended.stderr.contains("nixpkgs e2587ca (2026-03-13) -> 7105ae3 (2026-03-20)"), "{ended:?}");
    let hosts = format!("every host that tracks main of {}: Git and Lock turn yellow", desk.url());
    assert!(ended.stderr.contains(&hosts), "{ended:?}");
    for (answer, merged) in [("n\n", false), ("\n", false), ("yes\n", true)] {
        let arguments = ["pr", "merge", "7", "--repo", desk.checkout().to_str().unwrap()].map(str::to_owned);
        let program = desk.command(&arguments.each_ref().map(String::as_str));
        let words: Vec<String> = program.get_args().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &format!("{NIXFLEET} {}", words.join(" ")), "/dev/null"]);
        command.env("HOME", desk.home.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("Merge #7 into main? [y/N]"), "{said}");
        assert_eq!((output.status.success(), desk.puts()), (merged, usize::from(merged)), "{answer:?}: {said}");
        assert_eq!(desk.audit().len(), if merged { 2 } else { 0 });
    }
    assert_eq!(desk.lock_on_remote(), lock(UPDATED));
}

#[test]
fn a_merge_is_recorded_and_merged_already_is_a_success() {
    let desk = Desk::with_update();
    let ended = desk.pr(&["merge", "7", "--yes", "--method", "squash"]);
    assert!(ended.code == Some(0) && ended.stdout.starts_with("#7 is merged as "), "{ended:?}");
    assert!(ended.stderr.contains(".local/state/nixfleet/audit.jsonl"), "where it is recorded: {ended:?}");
    let audit = desk.audit();
    assert_eq!((audit[0].0.as_str(), audit[0].1.as_str()), ("pr merge", "started"));
    assert_eq!(audit[1].1, "success");
    assert!(audit[1].2.starts_with("is merged as "), "{audit:?}");
    let sent = desk.github.exchanges().into_iter().find(|exchange| exchange.method == "PUT").unwrap();
    assert_eq!(sent.body.unwrap()["merge_method"], "squash");
    let again = desk.pr(&["merge", "7"]);
    assert!(again.code == Some(0) && again.stdout.starts_with("#7 was merged already as "), "{again:?}");
    let again = desk.pr(&["merge", "7", "--json"]).json();
    assert_eq!((&again["result"], &again["pull_request"]["number"]), (&json!("already_merged"), &json!(7)));
    assert_eq!((desk.puts(), desk.audit().len()), (1, 2), "nothing more was done");
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let desk = Desk::with_update();
    std::fs::write(desk.home.path().join(".local"), "a file").unwrap();
    desk.pr(&["merge", "7", "--yes"]).failed_with("nothing was done, because it cannot be recorded");
    assert_eq!(desk.puts(), 0);
    // The host's own log, where this user may write.
    let state = desk.home.path().join("absent");
    std::fs::create_dir(&state).unwrap();
    assert_eq!(desk.pr(&["merge", "7", "--yes"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(state.join("audit.jsonl")).unwrap().lines().count(), 2);
}

#[test]
fn what_is_refused_says_what_allows_it() {
    for (change, words, flag) in [
        ((|pull| pull.is_draft = true) as fn(&mut Pull), "it is a draft", None),
        (|pull| pull.mergeable = false, "it has conflicts: update its branch", None),
        (|pull| pull.state = PullState::Closed, "it is closed", None),
        (failing, "checks failed (build): fix them, or say --allow-failed-checks", Some("--allow-failed-checks")),
        (
            |pull| pull.statuses = vec![("hydra".to_owned(), "pending".to_owned())],
            "checks are not done (hydra)",
            Some("--allow-pending-checks"),
        ),
        (
            |pull| pull.files.push("flake.nix".to_owned()),
            "it changes more than flake.lock (2 files)",
            Some("--allow-other-files"),
        ),
        (
            |pull| pull.fork = Some("mallory/fleet".to_owned()),
            "its branch is in another repository",
            Some("--allow-fork"),
        ),
    ] {
        let desk = Desk::with_update();
        desk.github.change(7, change);
        desk.pr(&["merge", "7", "--yes"]).failed_with(words);
        assert_eq!((desk.puts(), desk.audit().len()), (0, 0), "{words}");
        if let Some(flag) = flag {
            assert_eq!(desk.pr(&["merge", "7", "--yes", flag]).code, Some(0), "{flag}");
        }
    }
    let desk = Desk::with_update();
    desk.github.makes_up(|_, path| {
        path.ends_with("/check-runs")
            .then(|| ResponseTemplate::new(403).set_body_json(json!({ "message": "Resource not accessible" })))
    });
    desk.pr(&["merge", "7", "--yes"]).failed_with("its checks are not known");
    assert_eq!(desk.pr(&["merge", "7", "--yes", "--allow-pending-checks"]).code, Some(0));
}

#[test]
fn a_merge_that_github_refuses_is_recorded_as_failed() {
    let desk = Desk::with_update();
    desk.github.makes_up(|method, _| {
        (method == "PUT")
            .then(|| ResponseTemplate::new(405).set_body_json(json!({ "message": "2 approving reviews are required" })))
    });
    desk.pr(&["merge", "7", "--yes"]).failed_with("GitHub does not merge #7 (405: 2 approving reviews are required)");
    assert_eq!(desk.audit()[1].1, "failed");
    assert_eq!(desk.lock_on_remote(), lock(FIRST));
}

#[test]
fn who_asks_and_about_what() {
    let desk = Desk::with_update();
    desk.github.wants_token("ghp_right");
    let checkout = desk.checkout();
    let list = ["pr", "list", "--repo", checkout.to_str().unwrap()];
    desk.pr(&["list"]).failed_with("without a token GitHub does not list the pull requests of example/fleet (404)");
    for (name, value, code) in [
        ("GITHUB_TOKEN", "ghp_right", 0),
        ("GH_TOKEN", "ghp_right", 0),
        ("GITHUB_TOKEN", "ghp_wrong", 1),
        ("GITHUB_TOKEN", "two words", 1),
    ] {
        let ended = run(desk.command(&list).env(name, value));
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(!ended.stderr.contains("ghp_") && !ended.stderr.contains("two words"), "{ended:?}");
    }
    let file = desk.home.path().join("token");
    std::fs::write(&file, "ghp_right\n").unwrap();
    assert_eq!(desk.pr(&["list", "--token-file", file.to_str().unwrap()]).code, Some(0));
    desk.pr(&["list", "--token-file", "/nonexistent"])
        .failed_with("cannot read the token for GitHub /nonexistent: No such file");

    let token = ["--token-file", file.to_str().unwrap()];
    desk.pr(&[&["show", "99"][..], &token].concat())
        .failed_with("does not find what is needed to look at #99 of example/fleet (404)");
    run(&mut desk.command(&["pr", "list"])).failed_with("which repository?");
    run(&mut desk.command(&["pr", "list", "--repo", "/nonexistent"])).failed_with("there is nothing at /nonexistent");
    world::git_server::repository::git(&checkout, &["remote", "set-url", "origin", "/srv/fleet.git"]);
    desk.pr(&["list"]).failed_with("the remote /srv/fleet.git is not a repository on GitHub");
}

//! The head of a branch and its `flake.lock`, asked of a GitHub of our own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its world has failed")]

mod github_asking;

use github_asking::ask;
use jiff::Timestamp;
use nixfleet_core::github::{GithubError, KnownAnswers};
use nixfleet_core::observation::{RemoteCommit, ToldDistance};
use serde_json::json;
use wiremock::ResponseTemplate;
use world::github::GithubServer;

const URL: &str = "git@github.com:example/fleet.git";

#[test]
fn a_branch_is_observed_without_a_clone() {
    let server = GithubServer::start();
    let lock = br#"{ "nodes": { "root": {} }, "root": "root", "version": 7 }"#;
    let (first, second) = ("1".repeat(40), "2".repeat(40));
    server.has_branch(&first, &[(&first, lock)]);
    let mut known = KnownAnswers::default();
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut observe = |previous: Option<&RemoteCommit>, now| {
        ask(&server, async |client| client.observe_branch(URL, Some("main"), previous, &mut known, now).await).unwrap()
    };
    let one = observe(None, at(10));
    assert_eq!(
        (one.branch.as_str(), one.revision.as_str(), one.subject.as_str()),
        ("main", first.as_str(), "flake.lock: update")
    );
    assert_eq!(one.lock.as_ref().unwrap().sha256, nixfleet_core::Sha256::of(lock));
    assert_eq!(one.url, "git@github.com:example/fleet.git", "as Git calls it");
    let again = observe(Some(&one), at(20));
    assert_eq!(again, RemoteCommit { confirmed_at: at(20), ..one.clone() });
    server.has_branch(&second, &[]);
    let two = observe(Some(&again), at(30));
    assert_eq!((two.revision.as_str(), two.lock.as_ref(), two.earlier_tips.len()), (second.as_str(), None, 1));
    assert_eq!(server.asked(0).len(), 5, "{:?}", server.asked(0));
    let error = ask(&server, async |client| client.branch_head(Some("gone"), &mut KnownAnswers::default()).await);
    assert!(error.unwrap_err().to_string().contains("the branch gone of example/fleet"), "which one");
    let without_token = github_asking::lock_without_token(&server);
    assert_eq!(without_token, None, "no file, whoever asks");
    let default = ask(&server, async |client| client.branch_head(None, &mut KnownAnswers::default()).await).unwrap();
    assert_eq!(default.branch, "main");
}

#[test]
fn a_branch_that_was_renamed_is_not_followed_where_git_would_not() {
    let server = GithubServer::start();
    server.main_was_called("master");
    let error = ask(&server, async |client| client.branch_head(Some("master"), &mut KnownAnswers::default()).await);
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the branch master of example/fleet was renamed to main: follow that one (repository.branch)"
    );
}

#[test]
fn a_secret_of_the_address_is_not_recorded() {
    let server = GithubServer::start();
    let found = ask(&server, async |client| {
        let url = "https://x:secret@github.com/example/fleet.git";
        client.observe_branch(url, None, None, &mut KnownAnswers::default(), Timestamp::now()).await
    });
    assert!(!found.unwrap().url.contains("secret"));
}

#[test]
fn a_lock_as_large_as_git_takes_is_taken_and_no_larger_one() {
    let server = GithubServer::start();
    let revision = "1".repeat(40);
    for (mebibytes, taken) in [(20, true), (65, false)] {
        server.has_branch(&revision, &[(&revision, &vec![b' '; mebibytes * 1024 * 1024])]);
        let lock = ask(&server, async |client| client.flake_lock(&revision.parse().unwrap()).await);
        match lock {
            Ok(lock) => assert_eq!((lock.map(|lock| lock.len()), taken), (Some(mebibytes * 1024 * 1024), true)),
            Err(error) => {
                let said = error.to_string();
                assert!(!taken && matches!(error, GithubError::TooLarge { .. }), "{said}");
                assert!(said.contains("sends more than 64 MiB when asked to read flake.lock of 1111111"), "{said}");
            }
        }
    }
}

#[test]
fn a_limit_holds_between_the_branch_and_its_lock() {
    let server = GithubServer::start();
    let revision = "1".repeat(40);
    server.has_branch(&revision, &[(&revision, b"{}")]);
    let reset = (Timestamp::now().as_second() + 600).to_string();
    let limited = |status: u16, body: serde_json::Value| {
        let template = ResponseTemplate::new(status).set_body_json(body).insert_header("x-ratelimit-remaining", "0");
        template.insert_header("x-ratelimit-reset", reset.as_str())
    };
    let observe = |known: &mut KnownAnswers| {
        ask(&server, async |client| client.observe_branch(URL, Some("main"), None, known, Timestamp::now()).await)
    };
    // The branch is the last that GitHub answers.
    let commit = json!({ "message": "m", "committer": { "date": "2026-01-01T00:00:00Z" } });
    let last = limited(200, json!({ "name": "main", "commit": { "sha": revision, "commit": commit } }));
    server.makes_up(move |_, path| path.contains("/branches/").then(|| last.clone()));
    let mut known = KnownAnswers::default();
    assert!(matches!(observe(&mut known).unwrap_err(), GithubError::LimitReached { .. }));
    assert_eq!(server.asked(0).len(), 1, "{:?}", server.asked(0));

    // The lock is refused.
    let refused = limited(403, json!({ "message": "API rate limit exceeded" }));
    server.makes_up(move |_, path| path.contains("/contents/").then(|| refused.clone()));
    let mut known = KnownAnswers::default();
    for _ in 0..2 {
        assert!(matches!(observe(&mut known).unwrap_err(), GithubError::LimitReached { .. }));
    }
    assert_eq!(server.asked(1).len(), 2, "{:?}", server.asked(1));
}

#[test]
fn how_far_a_commit_is_from_the_tip_is_told_without_either() {
    let server = GithubServer::start();
    let (tip, behind, local) = ("1".repeat(40), "2".repeat(40), "3".repeat(40));
    server.has_branch(&tip, &[]);
    server.knows(&behind, 0, 3);
    server.knows(&"4".repeat(40), 2, 1);
    let distance = |from: &str| {
        let (from, tip) = (from.parse().unwrap(), tip.parse().unwrap());
        ask(&server, async |client| client.distance(&from, &tip, &mut KnownAnswers::default()).await)
    };
    let told = |from: &str, ahead, behind| ToldDistance { from: from.parse().unwrap(), ahead, behind };
    for (from, ahead, behind) in
        [(behind, Some(0), Some(3)), ("4".repeat(40), Some(2), Some(1)), (local.clone(), None, None)]
    {
        assert_eq!(distance(&from).unwrap(), told(&from, ahead, behind));
    }
    server.makes_up(|_, _| Some(ResponseTemplate::new(500)));
    assert!(matches!(distance(&local).unwrap_err(), GithubError::Server { .. }));
}

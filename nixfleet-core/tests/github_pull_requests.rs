//! Pull requests on a GitHub of our own. What it hears and says is held against GitHub's description when it ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod github_asking;

use github_asking::{SECRET, ask, list};
use jiff::Timestamp;
use nixfleet_core::github::{ChecksState, KnownAnswers, LockUpdateFilter, MergeMethod, Mergeability, PullRequestState};
use world::github::{GithubServer, Pull, PullState};

fn numbers(server: &GithubServer, filter: &LockUpdateFilter) -> Vec<u64> {
    let found = list(server, filter, &mut KnownAnswers::default()).unwrap();
    found.list.open.iter().map(|open| open.number).collect()
}

#[test]
fn what_counts_is_what_changes_the_lock_and_nothing_else() {
    let files = |number, files: &[&str]| Pull {
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        ..Pull::update(number)
    };
    let server = GithubServer::start();
    server.wants_token(SECRET);
    server.has(vec![
        Pull::update(7),
        Pull { title: "Bump all".to_owned(), author: "alice".to_owned(), ..Pull::update(9) },
        Pull { is_draft: true, ..Pull::update(8) },
        files(11, &["flake.lock", "flake.nix"]),
        files(12, &["flake.nix"]),
        files(13, &["hosts/web1/flake.lock"]),
        Pull { base: "develop".to_owned(), ..Pull::update(14) },
        Pull { state: PullState::Closed, ..Pull::update(15) },
        Pull { fork: Some("mallory/fleet".to_owned()), ..Pull::update(16) },
    ]);
    assert_eq!(numbers(&server, &LockUpdateFilter::default()), [9, 8, 7], "newest first");
    let branch = LockUpdateFilter { branch: Some("develop".to_owned()), ..LockUpdateFilter::default() };
    assert_eq!(numbers(&server, &branch), [14]);
    let title = LockUpdateFilter { title: Some("FLAKE.LOCK".to_owned()), ..LockUpdateFilter::default() };
    assert_eq!(numbers(&server, &title), [8, 7]);
    server.change(7, |pull| pull.labels = vec!["dependencies".to_owned(), "nix".to_owned()]);
    server.change(16, |pull| pull.labels = vec!["nix".to_owned()]);
    let labels = LockUpdateFilter { labels: vec!["Nix".to_owned()], ..LockUpdateFilter::default() };
    assert_eq!(numbers(&server, &labels), [16, 7], "who may set labels has looked at a fork's");
    let open = list(&server, &LockUpdateFilter::default(), &mut KnownAnswers::default()).unwrap().list.open;
    assert_eq!(
        (open[0].author.as_deref(), open[0].url.as_str()),
        (Some("alice"), "https://github.com/example/fleet/pull/9")
    );
    assert_eq!(open[0].head_revision.as_ref().unwrap().as_str(), format!("{:040x}", 9));
    let exchange = &server.exchanges()[0];
    assert_eq!(exchange.header("user-agent"), Some("octocrab"), "GitHub refuses requests without one");
    assert_eq!(exchange.header("x-github-api-version"), Some("2022-11-28"));
    assert_eq!(exchange.header("accept"), Some("application/vnd.github+json"));
}

#[test]
fn nothing_new_costs_one_conditional_request() {
    let server = GithubServer::start();
    server.has(vec![Pull::update(7), Pull::update(8)]);
    let (filter, mut known) = (LockUpdateFilter::default(), KnownAnswers::default());
    let first = list(&server, &filter, &mut known).unwrap().list.open;
    assert_eq!(server.asked(0).len(), 3, "the list, and the files of each");
    for _ in 0..3 {
        let before = server.asked(0).len();
        assert_eq!(list(&server, &filter, &mut known).unwrap().list.open, first);
        assert_eq!(server.asked(before), ["GET /repos/example/fleet/pulls 304"]);
    }
    // A new head may change other files; the other pull request is not asked about again.
    server.change(8, |pull| {
        pull.head = "8".repeat(40);
        pull.files.push("flake.nix".to_owned());
    });
    let before = server.asked(0).len();
    let open = list(&server, &filter, &mut known).unwrap().list.open;
    assert_eq!(open.iter().map(|open| open.number).collect::<Vec<_>>(), [7]);
    assert_eq!(
        server.asked(before),
        ["GET /repos/example/fleet/pulls 200", "GET /repos/example/fleet/pulls/8/files 200"]
    );
    server.has(Vec::new());
    assert_eq!(list(&server, &filter, &mut known).unwrap().list.open, []);
}

#[test]
fn all_pages_are_read_and_the_requests_are_bounded() {
    let server = GithubServer::start();
    server.has(
        (1..=120)
            .map(Pull::update)
            .map(|pull| Pull {
                created_at: Timestamp::from_second(1_767_000_000 + i64::try_from(pull.number).unwrap()).unwrap(),
                ..pull
            })
            .collect(),
    );
    let (filter, mut known) = (LockUpdateFilter::default(), KnownAnswers::default());
    let found = list(&server, &filter, &mut known).unwrap();
    assert_eq!((found.list.open.len(), found.left_for_the_next_look), (40, 80));
    assert_eq!(found.list.open[0].number, 120);
    assert_eq!(server.asked(0).len(), 3 + 40, "three pages of fifty, and forty lists of files");
    list(&server, &filter, &mut known).unwrap();
    let found = list(&server, &filter, &mut known).unwrap();
    assert_eq!((found.list.open.len(), found.left_for_the_next_look), (120, 0));
    let pages = server.exchanges().iter().filter(|exchange| exchange.path.ends_with("/pulls")).count();
    assert_eq!(pages, 9);
}

#[test]
fn a_title_is_one_harmless_line() {
    let server = GithubServer::start();
    let title = format!("a\u{1b}[31m\nred \u{202e}title{}", "x".repeat(500));
    server.has(vec![Pull { title, ..Pull::update(7) }]);
    let open = list(&server, &LockUpdateFilter::default(), &mut KnownAnswers::default()).unwrap().list.open;
    assert!(open[0].title.starts_with("a [31m red  title"), "{:?}", open[0].title);
    assert!(open[0].title.chars().count() <= 200 && open[0].title.ends_with('…'), "{:?}", open[0].title);
}

#[test]
fn mergeability_is_asked_for_until_it_is_known_and_not_for_ever() {
    let server = GithubServer::start();
    server.has(vec![Pull { computing: 2, ..Pull::update(7) }, Pull { computing: 99, ..Pull::update(8) }]);
    let found = ask(&server, async |client| client.pull_request(7).await).unwrap();
    assert_eq!((found.mergeability, server.asked(0).len()), (Mergeability::Clean, 3));
    let found = ask(&server, async |client| client.pull_request(8).await).unwrap();
    assert_eq!((found.mergeability, server.asked(3).len()), (Mergeability::Computing, 4));
    server.change(7, |pull| {
        pull.mergeable = false;
        "dirty".clone_into(&mut pull.mergeable_state);
    });
    let found = ask(&server, async |client| client.pull_request(7).await).unwrap();
    assert_eq!((found.mergeability, found.state), (Mergeability::Conflicts, PullRequestState::Open));
}

#[test]
fn checks_are_runs_and_statuses_together() {
    let server = GithubServer::start();
    let run = |name: &str, status: &str, conclusion: Option<&str>| {
        (name.to_owned(), status.to_owned(), conclusion.map(str::to_owned))
    };
    server.has(vec![Pull {
        runs: vec![run("build", "completed", Some("success")), run("lint", "in_progress", None)],
        statuses: vec![("hydra".to_owned(), "success".to_owned())],
        ..Pull::update(7)
    }]);
    let checks = |server: &GithubServer| {
        ask(server, async |client| {
            let found = client.pull_request(7).await?;
            client.checks(&found.head_revision).await
        })
        .unwrap()
    };
    let found = checks(&server);
    assert_eq!((found.state(), found.passed, found.pending), (ChecksState::Pending, 2, vec!["lint".to_owned()]));
    server.change(7, |pull| pull.statuses.push(("deploy".to_owned(), "failure".to_owned())));
    let found = checks(&server);
    assert_eq!((found.state(), found.failed), (ChecksState::Failed, vec!["deploy".to_owned()]));
}

#[test]
fn a_check_on_a_later_page_counts_and_what_is_not_read_is_no_pass() {
    let server = GithubServer::start();
    let checks = |runs: usize, statuses: usize, last: &str| {
        let run = |number| (format!("run {number}"), "completed".to_owned(), Some("success".to_owned()));
        let mut pull = Pull {
            runs: (0..runs).map(run).collect(),
            statuses: (0..statuses).map(|number| (format!("status {number}"), "success".to_owned())).collect(),
            ..Pull::update(7)
        };
        match last {
            "run" => pull.runs.push(("lint".to_owned(), "completed".to_owned(), Some("failure".to_owned()))),
            "status" => pull.statuses.push(("hydra".to_owned(), "failure".to_owned())),
            _ => {}
        }
        server.has(vec![pull.clone()]);
        ask(&server, async |client| client.checks(&pull.head.parse().unwrap()).await).unwrap()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(checks(100, 0, "run").failed, names(&["lint"]), "on the second page");
    assert_eq!(checks(0, 100, "status").failed, names(&["hydra"]), "on the second page");
    let all = checks(500, 500, "");
    assert_eq!((all.state(), all.passed), (ChecksState::Passed, 1000));
    for (runs, statuses, last) in [(500, 0, "run"), (0, 500, "status")] {
        let found = checks(runs, statuses, last);
        assert_eq!((found.state(), found.pending), (ChecksState::Pending, names(&["more checks than are read"])));
    }
}

#[test]
fn a_huge_pull_request_costs_a_bounded_number_of_pages() {
    let server = GithubServer::start();
    let files: Vec<String> = (0..2500).map(|number| format!("pkgs/{number}.nix")).collect();
    server.has(vec![Pull { files, ..Pull::update(7) }]);
    let files = ask(&server, async |client| client.changed_files(7).await).unwrap();
    assert_eq!((files.names.len(), files.has_more, files.is_only_flake_lock()), (300, true, false));
    assert_eq!(server.asked(0).len(), 3);
    assert_eq!(numbers(&server, &LockUpdateFilter::default()), [] as [u64; 0]);
}

#[test]
fn merges_exactly_what_was_looked_at() {
    let server = GithubServer::start();
    server.has(vec![Pull::update(7)]);
    let looked_at = ask(&server, async |client| client.pull_request(7).await).unwrap();
    server.change(7, |pull| pull.head = "9".repeat(40));
    let error =
        ask(&server, async |client| client.merge(&looked_at, MergeMethod::Merge).await).unwrap_err().to_string();
    assert!(error.contains("#7 was not merged (409: Head branch was modified"), "{error}");

    let looked_at = ask(&server, async |client| client.pull_request(7).await).unwrap();
    let merge = ask(&server, async |client| client.merge(&looked_at, MergeMethod::Squash).await).unwrap();
    assert_eq!((merge.revision.unwrap().as_str(), merge.was_merged_before), ("d".repeat(40).as_str(), false));
    let exchanges = server.exchanges();
    let sent = exchanges.iter().rfind(|exchange| exchange.method == "PUT").unwrap();
    assert_eq!(sent.body, Some(serde_json::json!({ "sha": "9".repeat(40), "merge_method": "squash" })));
    // Somebody else was faster than this look at it, or it was merged long ago.
    for looked_at in [looked_at, ask(&server, async |client| client.pull_request(7).await).unwrap()] {
        let merge = ask(&server, async |client| client.merge(&looked_at, MergeMethod::Squash).await).unwrap();
        assert!(merge.was_merged_before);
        assert_eq!(merge.revision.unwrap().as_str(), "d".repeat(40));
    }
}

#[test]
fn a_revert_is_a_pull_request() {
    let server = GithubServer::start();
    server.has(vec![Pull { state: PullState::Merged("d".repeat(40)), ..Pull::update(7) }]);
    let merged = ask(&server, async |client| client.pull_request(7).await).unwrap();
    let revert = ask(&server, async |client| client.open_revert(&merged).await).unwrap();
    assert_eq!((revert.number, revert.title.as_str()), (8, "Revert \"flake.lock: update\""));
    let gone = nixfleet_core::github::PullRequestDetails { node_id: "PR_99".to_owned(), ..merged };
    let error = ask(&server, async |client| client.open_revert(&gone).await).unwrap_err().to_string();
    assert!(error.contains("Could not resolve to a node"), "{error}");
}

#[test]
fn a_renamed_repository_is_found_under_its_new_name() {
    let server = GithubServer::start();
    server.has(vec![Pull::update(7)]);
    server.was_called("example/old");
    let repository =
        nixfleet_core::github::GithubRepository::of_remote("git@github.com:example/old.git", Some(&server.api_url()))
            .unwrap();
    let found = github_asking::block_on(async {
        let client = nixfleet_core::github::GithubClient::new(repository, None, github_asking::limits()).unwrap();
        let mut known = KnownAnswers::default();
        let open = client.open_lock_updates(&LockUpdateFilter::default(), &mut known, Timestamp::now()).await?;
        assert_eq!(open.list.open.len(), 1);
        let found = client.pull_request(7).await?;
        client.merge(&found, MergeMethod::Merge).await?;
        Ok::<_, nixfleet_core::github::GithubError>(found)
    });
    assert_eq!(found.unwrap().repository, "example/fleet");
    assert!(server.asked(0).last().unwrap().starts_with("PUT /repos/example/fleet/pulls/7/merge 200"));
}

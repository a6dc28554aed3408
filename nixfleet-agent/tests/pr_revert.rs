//! `nixfleet pr revert`: by a pull request, and by a commit that is pushed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod desk;

use desk::{Desk, run};
use serde_json::json;
use world::example_flake::{FIRST, UPDATED, lock};
use world::git_server::repository::git;

#[test]
fn by_a_pull_request() {
    let (desk, revision) = Desk::with_merged();
    desk.pr(&["revert", "7"]).failed_with("say --yes");
    assert_eq!(desk.puts(), 0);
    let opened = desk.pr(&["revert", "7", "--yes", "--json"]).json();
    assert_eq!(
        (&opened["result"], &opened["number"], &opened["reverted_revision"]),
        (&json!("opened"), &json!(8), &json!(revision))
    );
    assert_eq!(desk.audit()[1].2, "opened #8");
    assert_eq!(desk.lock_on_remote(), lock(UPDATED), "nothing is merged by it");
    let ended = desk.pr(&["revert", "7", "--yes"]);
    assert!(
        ended.stdout.contains("`nixfleet pr merge 9` merges it")
            && ended.stderr.contains("every host that tracks main"),
        "{ended:?}"
    );
}

#[test]
fn only_what_was_merged() {
    let desk = Desk::with_update();
    desk.pr(&["revert", "7", "--yes"]).failed_with("#7 is open, not merged: there is nothing to revert");
    desk.pr(&["revert", "7", "--yes", "--push"]).failed_with("#7 is open, not merged");
    assert_eq!((desk.puts(), desk.audit().len()), (0, 0));
}

#[test]
fn by_a_commit_that_is_pushed() {
    let (desk, merge) = Desk::with_merged();
    let (before, head) = (git(&desk.checkout(), &["for-each-ref"]), git(&desk.checkout(), &["rev-parse", "HEAD"]));
    desk.pr(&["revert", "7", "--push"]).failed_with("say --yes");
    let pushed = desk.pr(&["revert", "7", "--push", "--yes", "--json"]).json();
    let revision = pushed["revision"].as_str().unwrap();
    assert_eq!(desk.lock_on_remote(), lock(FIRST));
    assert_eq!(git(&desk.remote(), &["rev-parse", "main", "main^"]), format!("{revision}\n{merge}"), "forward only");
    let message = git(&desk.remote(), &["log", "-1", "--format=%an%n%B", "main"]);
    assert!(
        message.starts_with(&format!(
            "Alice\nRevert \"Merge pull request #7\"\n\nThis reverts commit {merge}, reversing\nchanges made to {head}."
        )),
        "{message}"
    );
    assert_eq!(desk.audit()[1].2, format!("pushed {revision}"));
    assert_eq!(git(&desk.checkout(), &["for-each-ref"]), before, "no branch of the checkout moved");
    assert_eq!(git(&desk.checkout(), &["status", "--porcelain"]), "");
    let again = desk.pr(&["revert", "7", "--push", "--yes"]);
    assert!(again.code == Some(0) && again.stdout.contains("nothing to revert"), "{again:?}");
}

#[test]
fn a_commit_of_any_remote() {
    let desk = Desk::new();
    let remote = desk.remote();
    git(&desk.checkout(), &["remote", "set-url", "origin", &format!("file://{}", remote.display())]);
    let bad = desk.commit("web1.nix", "broken\n", "web1: break it");
    desk.commit("web2.nix", "fine\n", "web2: fine");
    git(&desk.checkout(), &["push", "--quiet", "origin", "main"]);
    let ended = desk.pr(&["revert", "--commit", &bad[..9], "--push", "--yes"]);
    assert!(ended.code == Some(0) && ended.stdout.contains(&format!("it reverts {}", &bad[..7])), "{ended:?}");
    assert_eq!(git(&remote, &["ls-tree", "--name-only", "main"]), "flake.lock\nweb2.nix");
    assert_eq!(git(&remote, &["log", "-1", "--format=%s", "main"]), "Revert \"web1: break it\"");

    // Conflicts, unknown commits, the first commit, a branch that is not there.
    let tip = git(&remote, &["rev-parse", "main"]);
    git(&desk.checkout(), &["pull", "--quiet", "origin", "main"]);
    let first = desk.commit("web2.nix", "changed\n", "web2: change");
    desk.commit("web2.nix", "changed again\n", "web2: change again");
    git(&desk.checkout(), &["push", "--quiet", "origin", "main"]);
    desk.pr(&["revert", "--commit", &first, "--push", "--yes"])
        .failed_with("conflicts with later commits in web2.nix: revert it by hand");
    let unknown = "1".repeat(40);
    desk.pr(&["revert", "--commit", &unknown, "--push", "--yes"])
        .failed_with("the commit 1111111 is not in the branch");
    desk.pr(&["revert", "--commit", "nonsense", "--push", "--yes"]).failed_with("is not a commit id");
    let root = git(&remote, &["rev-list", "--max-parents=0", "main"]);
    desk.pr(&["revert", "--commit", &root, "--push", "--yes"]).failed_with("has no parent");
    desk.pr(&["revert", "--commit", &first, "--push", "--yes", "--branch", "gone"])
        .failed_with("`git ls-remote` failed");
    let unpushed = desk.commit("web3.nix", "\n", "not pushed");
    desk.pr(&["revert", "--commit", &unpushed, "--push", "--yes"]).failed_with("is not in the branch");
    assert_eq!(git(&remote, &["rev-parse", "main~2"]), tip, "nothing else was pushed");
}

#[test]
fn a_branch_that_is_protected_or_moved_on_is_left_alone() {
    let (desk, _) = Desk::with_merged();
    let hook = desk.remote().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\necho 'protected branch' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    desk.pr(&["revert", "7", "--push", "--yes"]).failed_with("the remote does not take the commit (");
    assert_eq!(desk.lock_on_remote(), lock(UPDATED));
    assert_eq!(desk.audit()[1].1, "failed");
    std::fs::remove_file(hook).unwrap();

    // Somebody pushes between the look and the push: by a hook of the person's own git.
    let own = desk.checkout().join(".git/hooks/pre-push");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    let remote = desk.remote();
    let line = format!(
        "git -C {0} -c user.name=b -c user.email=b@example.org commit-tree -p main -m other main^{{tree}}",
        remote.display()
    );
    std::fs::write(
        &own,
        format!("#!/bin/sh\nunset GIT_DIR\ngit -C {} update-ref refs/heads/main $({line})\n", remote.display()),
    )
    .unwrap();
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    desk.pr(&["revert", "7", "--push", "--yes"]).failed_with("the branch may have moved on");
    assert_eq!(git(&remote, &["log", "-1", "--format=%s", "main"]), "other");
}

#[test]
fn several_commits_without_a_merge_commit_are_left_to_a_person() {
    let desk = Desk::with_update();
    let revision = desk::merge_on(&desk.remote(), 7, "rebase");
    desk.github.change(7, |pull| {
        pull.state = world::github::PullState::Merged(revision);
        pull.commits = 3;
    });
    desk.pr(&["revert", "7", "--push", "--yes"]).failed_with("#7 had 3 commits and was merged without a merge commit");
    desk.github.change(7, |pull| pull.commits = 1);
    let ended = run(desk
        .command(&["pr", "revert", "7", "--push", "--yes", "--repo", desk.checkout().to_str().unwrap()])
        .env("GITHUB_TOKEN", "x"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(desk.lock_on_remote(), lock(FIRST));
}

#[test]
fn a_host_that_takes_signed_commits_only_warns() {
    let (desk, _) = Desk::with_merged();
    let absent = desk.home.path().join("absent");
    std::fs::create_dir(&absent).unwrap();
    let configure = |signatures: serde_json::Value| {
        let config = json!({ "repository": { "url": desk.url(), "signatures": signatures } });
        std::fs::write(absent.join("config.json"), config.to_string()).unwrap();
    };
    let warned = |arguments: &[&str], words: &str| {
        // Asked, and nobody there to answer: nothing is done.
        let ended = desk.pr(arguments);
        ended.failed_with("say --yes");
        let warnings: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
        match words {
            "" => assert!(warnings.is_empty(), "{ended:?}"),
            _ => assert!(warnings.len() == 1 && warnings[0].contains(words), "{ended:?}"),
        }
    };
    configure(json!({}));
    warned(&["revert", "7"], "");
    warned(&["revert", "7", "--push"], "");
    configure(json!({ "allowed_signers_file": "/etc/signers" }));
    warned(&["revert", "7"], "refuses the one that GitHub makes, merged or not: with --push --repo PATH");
    warned(&["revert", "7", "--push"], "yours are not signed: set user.signingKey");
    git(&desk.checkout(), &["config", "commit.gpgSign", "true"]);
    warned(&["revert", "7", "--push"], "");
    assert_eq!((desk.puts(), desk.audit().len()), (0, 0));
}

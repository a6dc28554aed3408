//! The local repository, `flake.lock`, the tracked remote and the distance between commits, on repositories that the
//! `git` command made.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its world has failed")]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use nixfleet_core::Revision;
use nixfleet_core::git::{
    LOCK_BYTES_MAXIMUM, divergence, lock_in_commit, lock_in_work_tree, observe_repository, tracked_remote,
};
use nixfleet_core::observation::{BoundedCount, Divergence, LocalRepository, Reading};
use world::git_server::repository::{TestRepository, git};

fn present(path: &Path) -> LocalRepository {
    match observe_repository(path) {
        Reading::Present(repository) => repository,
        other => panic!("{other:?}"),
    }
}

fn error(path: &Path) -> String {
    observe_repository(path).error().unwrap().to_owned()
}

fn revision(text: &str) -> Revision {
    text.parse().unwrap()
}

#[test]
fn a_clean_checkout() {
    let repository = TestRepository::new();
    assert_eq!(
        present(&repository.path),
        LocalRepository {
            path: repository.path.canonicalize().unwrap(),
            head: Some(revision(&repository.head())),
            branch: Some("main".to_owned()),
            uncommitted_changes: Some(0),
            shallow: false,
        }
    );
    std::fs::create_dir(repository.path.join("sub")).unwrap();
    assert_eq!(present(&repository.path.join("sub")), present(&repository.path));
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(present(&repository.path).head, Some(revision(&repository.head())));
}

#[test]
fn changes_are_counted_as_git_lists_them() {
    let repository = TestRepository::new();
    for name in ["a", "b", "c", "d"] {
        repository.commit(name, "1", name);
    }
    repository.write(".gitignore", "ignored\n");
    repository.write("ignored", "x");
    repository.write("new/deep/one", "x");
    repository.write("new/deep/two", "x");
    repository.write("a", "2");
    repository.write("b", "2");
    repository.git(&["add", "b"]);
    repository.write("b", "3");
    repository.git(&["rm", "--quiet", "c"]);
    std::fs::remove_file(repository.path.join("d")).unwrap();
    let lines = repository.git(&["status", "--porcelain", "--untracked-files=all"]).lines().count();
    assert_eq!(present(&repository.path).uncommitted_changes, Some(lines as u64));
    assert_eq!(lines, 7);
}

#[test]
fn reading_writes_nothing_and_minds_no_lock() {
    let repository = TestRepository::new();
    let index = repository.path.join(".git/index");
    std::fs::write(repository.path.join(".git/index.lock"), "").unwrap();
    // A time stamp that differs tempts to refresh the index.
    let mut touch = std::process::Command::new("touch");
    touch.args(["-d", "2020-01-01"]).arg(repository.path.join("flake.lock"));
    assert!(touch.status().unwrap().success());
    let before = (std::fs::read(&index).unwrap(), index.metadata().unwrap().modified().unwrap());
    assert_eq!(present(&repository.path).uncommitted_changes, Some(0));
    assert_eq!(before, (std::fs::read(&index).unwrap(), index.metadata().unwrap().modified().unwrap()));
}

#[test]
fn filters_hooks_and_monitors_do_not_run() {
    let repository = TestRepository::new();
    let trace = repository.root().join("ran");
    let command = format!("touch {}", trace.display());
    repository.commit(".gitattributes", "* filter=evil\n", "attributes");
    for key in ["filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor", "core.sshCommand"] {
        repository.git(&["config", key, &command]);
    }
    repository.write("flake.lock", "changed");
    assert_eq!(present(&repository.path).uncommitted_changes, Some(1));
    assert!(!trace.exists());
}

#[test]
fn head_in_all_its_forms() {
    let repository = TestRepository::new();
    repository.git(&["checkout", "--quiet", "--detach"]);
    let detached = present(&repository.path);
    assert_eq!((detached.branch, detached.head), (None, Some(revision(&repository.head()))));

    let unborn = present(&TestRepository::empty(&[]).path);
    assert_eq!((unborn.branch, unborn.head, unborn.uncommitted_changes), (Some("main".to_owned()), None, Some(0)));

    let tree = repository.root().join("linked");
    repository.git(&["worktree", "add", "--quiet", "-b", "side/branch", tree.to_str().unwrap()]);
    let linked = present(&tree);
    assert_eq!((linked.branch.as_deref(), linked.path), (Some("side/branch"), tree.canonicalize().unwrap()));

    let bare = repository.clone(&["--bare"]);
    let observed = present(&bare.path);
    assert_eq!((observed.uncommitted_changes, observed.path), (None, bare.path.canonicalize().unwrap()));

    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit("a", "1", "second");
    assert!(present(&repository.clone(&["--depth=1"]).path).shallow);
}

#[test]
fn what_is_no_repository_is_said() {
    let directory = tempfile::TempDir::new().unwrap();
    assert_eq!(observe_repository(&directory.path().join("none")), Reading::Absent);
    let message = error(directory.path());
    assert!(message.contains("is not a Git repository"), "{message}");
    std::fs::write(directory.path().join("file"), "").unwrap();
    assert!(observe_repository(&directory.path().join("file")).error().is_some());
}

#[test]
fn damage_is_an_error_and_no_panic() {
    for (file, content) in
        [("HEAD", "garbage\n"), ("HEAD", ""), ("refs/heads/main", "garbage\n"), ("index", "garbage"), ("config", "[")]
    {
        let repository = TestRepository::new();
        std::fs::write(repository.path.join(".git").join(file), content).unwrap();
        let message = error(&repository.path);
        assert!(message.contains(repository.path.to_str().unwrap()) && !message.contains('\n'), "{file}: {message}");
    }
    let repository = TestRepository::new();
    std::fs::remove_dir_all(repository.path.join(".git/objects")).unwrap();
    std::fs::create_dir(repository.path.join(".git/objects")).unwrap();
    assert!(error(&repository.path).contains("HEAD"));
}

#[test]
fn lock_of_the_work_tree() {
    let repository = TestRepository::new();
    let file = repository.path.join("flake.lock");
    repository.write("flake.lock", "edited");
    assert_eq!(lock_in_work_tree(&repository.path).unwrap().unwrap(), b"edited");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(lock_in_work_tree(&repository.path).unwrap(), None);
    assert_eq!(lock_in_work_tree(&repository.root().join("none")).unwrap(), None);

    repository.write("inside", "linked");
    symlink("inside", &file).unwrap();
    assert_eq!(lock_in_work_tree(&repository.path).unwrap().unwrap(), b"linked");
    std::fs::write(repository.root().join("outside"), "secret").unwrap();
    for target in ["../outside", "/etc/passwd", "nowhere", "flake.lock"] {
        std::fs::remove_file(&file).unwrap();
        symlink(target, &file).unwrap();
        assert!(lock_in_work_tree(&repository.path).is_err(), "{target}");
    }
    std::fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert!(lock_in_work_tree(&repository.path).is_err());
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(lock_in_work_tree(&repository.path).is_err());
    std::fs::remove_dir(&file).unwrap();
    std::fs::File::create(&file).unwrap().set_len(LOCK_BYTES_MAXIMUM + 1).unwrap();
    let message = lock_in_work_tree(&repository.path).unwrap_err().to_string();
    assert!(message.contains("64 MiB"), "{message}");
}

#[test]
fn lock_of_a_commit() {
    let repository = TestRepository::new();
    let first = repository.head();
    let bare = repository.clone(&["--bare"]);
    assert_eq!(lock_in_work_tree(&bare.path).unwrap().unwrap(), b"{\"version\":7}\n");
    assert_eq!(lock_in_work_tree(&TestRepository::empty(&["--bare"]).path).unwrap(), None);

    std::fs::remove_file(repository.path.join("flake.lock")).unwrap();
    repository.write("dir/real", "linked");
    symlink("./dir/real", repository.path.join("flake.lock")).unwrap();
    repository.git(&["add", "."]);
    repository.git(&["commit", "--quiet", "-m", "link"]);
    let linked = repository.head();
    std::fs::remove_file(repository.path.join("flake.lock")).unwrap();
    symlink("../outside", repository.path.join("flake.lock")).unwrap();
    repository.git(&["commit", "--quiet", "-a", "-m", "outside"]);
    let outside = repository.head();
    repository.git(&["rm", "--quiet", "flake.lock"]);
    repository.git(&["commit", "--quiet", "-m", "none"]);
    let none = repository.head();

    let opened = git2::Repository::open(&repository.path).unwrap();
    let read = |commit: &str| lock_in_commit(&opened, git2::Oid::from_str(commit).unwrap());
    assert_eq!(read(&first).unwrap().unwrap(), b"{\"version\":7}\n");
    assert_eq!(read(&linked).unwrap().unwrap(), b"linked");
    assert!(read(&outside).is_err());
    assert_eq!(read(&none).unwrap(), None);
    assert!(read(&"1".repeat(40)).is_err());
}

#[test]
fn the_tracked_remote() {
    let upstream = TestRepository::new();
    assert_eq!(tracked_remote(&upstream.path).unwrap(), None);
    let checkout = upstream.clone(&[]);
    let url = format!("file://{}", upstream.path.display());
    let follows = |expected_url: &str, branch: Option<&str>| {
        let tracked = tracked_remote(&checkout.path).unwrap().unwrap();
        assert_eq!((tracked.url.as_str(), tracked.branch.as_deref()), (expected_url, branch));
    };
    follows(&url, Some("main"));
    checkout.git(&["checkout", "--quiet", "-b", "feature/x"]);
    follows(&url, Some("main"));
    upstream.git(&["branch", "feature/x"]);
    checkout.git(&["fetch", "--quiet"]);
    follows(&url, Some("feature/x"));
    checkout.git(&["config", "branch.feature/x.remote", "origin"]);
    checkout.git(&["config", "branch.feature/x.merge", "refs/heads/other"]);
    follows(&url, Some("other"));
    checkout.git(&["checkout", "--quiet", "--detach"]);
    follows(&url, Some("main"));
    checkout.git(&["remote", "set-head", "origin", "--delete"]);
    follows(&url, None);
    checkout.git(&["remote", "set-url", "origin", "gh:owner/name"]);
    checkout.git(&["config", "url.https://user:secret@host/.insteadOf", "gh:"]);
    follows("https://user:secret@host/owner/name", None);
    assert!(!format!("{:?}", tracked_remote(&checkout.path)).contains("secret"));
}

fn distance(repository: &TestRepository, local: &str, remote: &str) -> Divergence {
    divergence(&repository.path, None, &revision(local), &revision(remote), 1000).unwrap().unwrap()
}

#[test]
fn distance_is_what_git_counts() {
    let repository = TestRepository::new();
    let base = repository.head();
    repository.import("left", Some(&base), 3, 2_000_000_000);
    repository.import("right", Some(&base), 5, 1_000_000_000);
    repository.git(&["checkout", "--quiet", "left"]);
    repository.git(&["merge", "--quiet", "-m", "merge", "right~2"]);
    repository.import("alone", None, 2, 1_500_000_000);
    for (local, remote) in [
        ("main", "left"),
        ("left", "main"),
        ("left", "right"),
        ("right", "left"),
        ("left", "left"),
        ("alone", "left"),
        ("main", "right"),
        ("left~2", "right~4"),
    ] {
        let [local, remote] = [local, remote].map(|name| repository.git(&["rev-parse", name]));
        let counted = repository.git(&["rev-list", "--left-right", "--count", &format!("{local}...{remote}")]);
        let distance = distance(&repository, &local, &remote);
        assert_eq!(format!("{}\t{}", distance.ahead, distance.behind), counted, "{local} {remote}");
    }
    let unknown = divergence(&repository.path, None, &revision(&base), &revision(&"1".repeat(40)), 1000);
    assert_eq!(unknown.unwrap(), None);
}

#[test]
fn a_long_history_costs_a_bounded_time() {
    let repository = TestRepository::new();
    let base = repository.head();
    repository.import("long", Some(&base), 60_000, 2_000_000_000);
    repository.git(&["repack", "-adq"]);
    let long = repository.git(&["rev-parse", "long"]);
    let near = repository.git(&["rev-parse", "long~3"]);
    let middle = repository.git(&["rev-parse", "long~6000"]);
    let at_least = |count| BoundedCount { count, at_least: true };
    let started = Instant::now();
    assert_eq!(
        distance(&repository, &near, &long),
        Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(3) }
    );
    println!("3 of 60000 commits: {:?}", started.elapsed());
    let started = Instant::now();
    assert_eq!(
        distance(&repository, &middle, &long),
        Divergence { ahead: BoundedCount::exactly(0), behind: at_least(1000) }
    );
    println!("6000 of 60000 commits: {:?}", started.elapsed());
    let started = Instant::now();
    assert_eq!(distance(&repository, &base, &long), Divergence { ahead: at_least(0), behind: at_least(1000) });
    println!("60000 of 60000 commits: {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn distance_in_a_shallow_clone() {
    let repository = TestRepository::new();
    let base = repository.head();
    repository.import("main", Some(&base), 10, 2_000_000_000);
    let shallow = repository.clone(&["--depth=3"]);
    let [old, new] = ["HEAD~2", "HEAD"].map(|name| git(&shallow.path, &["rev-parse", name]));
    assert_eq!(
        distance(&shallow, &old, &new),
        Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(2) }
    );
}

/// The newest commit claims to be older than all of its history, which is looked at first and taken for local only.
#[test]
fn one_wrong_clock_above_a_long_history_is_found_out() {
    let repository = TestRepository::empty(&[]);
    repository.import("main", None, 1000, 1_900_000_000);
    let local: Revision = repository.git(&["rev-parse", "main"]).parse().unwrap();
    repository.import("next", Some(local.as_str()), 1, 1_000_000_000);
    let remote: Revision = repository.git(&["rev-parse", "next"]).parse().unwrap();
    let counted = divergence(&repository.path, None, &local, &remote, 1000).unwrap();
    let one_behind = Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(1) };
    assert_eq!(counted, Some(one_behind));
}

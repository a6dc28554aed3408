//! Bringing a checkout forward: repositories made by the git command, and nothing ever lost.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nixfleet_core::git::{CheckoutError, Moved, RemoteStore, RewrittenBranch, fast_forward};
use nixfleet_core::observation::RemoteCommit;
use world::git_server::repository::{TestRepository, git};
use world::git_server::source;

/// A remote, the store of what was fetched from it, and the place of the checkout.
struct Fleet {
    remote: TestRepository,
    store: RemoteStore,
    checkout: PathBuf,
}

impl Fleet {
    fn new() -> Self {
        let remote = TestRepository::new();
        let store = RemoteStore::new(remote.root().join("remote.git"));
        let checkout = remote.root().join("repo");
        Self { remote, store, checkout }
    }

    fn look(&self) -> RemoteCommit {
        let source = source(self.remote.path.to_str().unwrap(), Some("main"));
        self.store.observe(&source, None, Some(&self.checkout), Timestamp::now()).unwrap()
    }

    fn pull(&self, rewritten: RewrittenBranch) -> Result<Moved, CheckoutError> {
        fast_forward(&self.checkout, &self.store, &self.look(), rewritten)
    }

    fn pulled(&self) -> Moved {
        self.pull(RewrittenBranch::Refuse).unwrap()
    }

    fn refused(&self) -> String {
        let before = files(&self.checkout);
        let error = self.pull(RewrittenBranch::Refuse).unwrap_err();
        assert_eq!(files(&self.checkout), before, "a refused pull changed a file");
        error.to_string()
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.checkout, arguments)
    }
}

/// The work tree's files and their content.
fn files(checkout: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(checkout).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            found.push((entry.path(), fs::read(entry.path()).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn the_first_pull_makes_a_checkout_that_git_agrees_with() {
    let fleet = Fleet::new();
    fleet.remote.commit("hosts/web1/configuration.nix", "{ }\n", "web1");
    let moved = fleet.pulled();
    assert_eq!(moved, Moved { from: None, to: fleet.remote.head().parse().unwrap() });
    assert_eq!(fleet.git(&["rev-parse", "HEAD"]), fleet.remote.head());
    assert_eq!(fleet.git(&["status", "--porcelain", "--branch"]), "## main...origin/main");
    assert_eq!(fleet.git(&["fsck", "--strict"]), "");
    assert_eq!(fs::read_to_string(fleet.checkout.join("hosts/web1/configuration.nix")).unwrap(), "{ }\n");
}

#[test]
fn a_later_pull_goes_forward_and_one_with_nothing_new_changes_nothing() {
    let fleet = Fleet::new();
    let first = fleet.pulled().to;
    fleet.remote.commit("flake.lock", "{\"version\":7,\"a\":1}\n", "flake.lock: update");
    fleet.remote.git(&["rm", "--quiet", "flake.lock"]);
    fleet.remote.commit("flake.nix", "{ }\n", "no lock any more");
    let moved = fleet.pulled();
    assert_eq!(moved.from.as_ref(), Some(&first));
    assert_eq!(moved.to.as_str(), fleet.remote.head());
    assert!(!fleet.checkout.join("flake.lock").exists());
    assert_eq!(fleet.git(&["status", "--porcelain"]), "");
    let again = fleet.pulled();
    assert_eq!(again.from.as_ref(), Some(&again.to));
    assert_eq!(fleet.git(&["fsck", "--strict"]), "");
}

#[test]
fn the_checkout_stands_without_the_store_and_the_store_is_healed_without_the_checkout() {
    let fleet = Fleet::new();
    fleet.pulled();
    fleet.remote.commit("a", "1", "second");
    fleet.pulled();
    fs::remove_dir_all(fleet.store.path()).unwrap();
    assert_eq!(fleet.git(&["log", "--format=%s"]), "second\nfirst");
    fs::remove_dir_all(&fleet.checkout).unwrap();
    fleet.remote.commit("a", "2", "third");
    assert_eq!(fleet.pulled().from, None);
    assert_eq!(fleet.git(&["log", "--format=%s"]), "third\nsecond\nfirst");
    assert_eq!(fleet.git(&["fsck", "--strict"]), "");
}

#[test]
fn local_changes_in_the_way_are_named_and_kept() {
    let fleet = Fleet::new();
    fleet.pulled();
    fleet.remote.commit("flake.lock", "{\"version\":7,\"a\":1}\n", "flake.lock: update");
    fs::write(fleet.checkout.join("flake.lock"), "mine").unwrap();
    let sentence = fleet.refused();
    assert!(sentence.contains("local changes") && sentence.contains("flake.lock"), "{sentence}");

    // An untracked file that the commit brings is a local change, too.
    fleet.git(&["checkout", "--quiet", "flake.lock"]);
    fleet.remote.commit("new", "theirs", "new file");
    fs::write(fleet.checkout.join("new"), "mine").unwrap();
    let sentence = fleet.refused();
    assert!(sentence.contains("(new)"), "{sentence}");
}

#[test]
fn local_changes_elsewhere_are_kept_and_do_not_matter() {
    let fleet = Fleet::new();
    fleet.pulled();
    fleet.remote.commit("other", "1", "other");
    fs::write(fleet.checkout.join("flake.lock"), "mine").unwrap();
    fleet.pulled();
    assert_eq!(fs::read_to_string(fleet.checkout.join("flake.lock")).unwrap(), "mine");
    assert_eq!(fleet.git(&["status", "--porcelain"]), "M flake.lock");
}

#[test]
fn local_commits_are_kept() {
    let fleet = Fleet::new();
    fleet.pulled();
    fleet.git(&["commit", "--quiet", "--allow-empty", "-m", "mine"]);
    let mine = fleet.git(&["rev-parse", "HEAD"]);
    let moved = fleet.pulled();
    assert_eq!(moved.to.as_str(), mine, "ahead of the remote: nothing to pull");
    fleet.remote.commit("theirs", "1", "theirs");
    let sentence = fleet.refused();
    assert!(sentence.contains("diverged"), "{sentence}");
    assert_eq!(fleet.git(&["rev-parse", "HEAD"]), mine);
}

#[test]
fn a_rewritten_branch_is_taken_only_where_that_is_allowed() {
    let fleet = Fleet::new();
    fleet.remote.commit("a", "old", "second");
    fleet.pulled();
    fleet.remote.commit("a", "new", "to be squashed");
    fleet.remote.git(&["reset", "--quiet", "--soft", "HEAD~2"]);
    fleet.remote.git(&["commit", "--quiet", "-m", "rewritten"]);
    let sentence = fleet.refused();
    assert!(sentence.contains("rewritten"), "{sentence}");
    fs::write(fleet.checkout.join("a"), "mine").unwrap();
    let error = fleet.pull(RewrittenBranch::Take).unwrap_err();
    assert!(matches!(error, CheckoutError::LocalChanges { .. }), "{error}");
    fleet.git(&["checkout", "--quiet", "a"]);
    fleet.pull(RewrittenBranch::Take).unwrap();
    assert_eq!(fleet.git(&["rev-parse", "HEAD"]), fleet.remote.head());
    assert_eq!(fs::read_to_string(fleet.checkout.join("a")).unwrap(), "new");
}

#[test]
fn a_pull_that_was_cut_off_between_files_and_branch_is_completed() {
    let fleet = Fleet::new();
    fleet.pulled();
    fleet.remote.commit("flake.lock", "{\"version\":7,\"a\":1}\n", "flake.lock: update");
    let before = fleet.git(&["rev-parse", "HEAD"]);
    fleet.pulled();
    fleet.git(&["update-ref", "refs/heads/main", &before]);
    assert_eq!(fleet.pulled().to.as_str(), fleet.remote.head());
    assert_eq!(fleet.git(&["status", "--porcelain"]), "");
}

#[test]
fn what_cannot_be_brought_forward_says_why() {
    let fleet = Fleet::new();
    fleet.pulled();
    fleet.remote.commit("a", "1", "second");
    fleet.git(&["checkout", "--quiet", "-b", "work"]);
    assert!(fleet.refused().contains("is on the branch work, and main is tracked"));
    fleet.git(&["checkout", "--quiet", "--detach"]);
    assert!(fleet.refused().contains("is on no branch"));
    fleet.git(&["checkout", "--quiet", "main"]);
    fs::write(fleet.checkout.join(".git/index.lock"), "").unwrap();
    let sentence = fleet.refused();
    assert!(sentence.contains("index.lock") && sentence.contains("another git works"), "{sentence}");
    fs::remove_file(fleet.checkout.join(".git/index.lock")).unwrap();
    fleet.pulled();

    let bare = Fleet { checkout: fleet.remote.root().join("bare.git"), ..Fleet::new() };
    git(fleet.remote.root(), &["init", "--quiet", "--bare", "bare.git"]);
    assert!(bare.refused().contains("bare"));
    let full = Fleet::new();
    fs::create_dir(&full.checkout).unwrap();
    fs::write(full.checkout.join("file"), "mine").unwrap();
    assert!(full.refused().contains("is not a Git repository"));
}

#[test]
fn a_pull_that_was_cut_off_is_completed_also_where_the_remote_moved_on() {
    let fleet = Fleet::new();
    let commit = |text: &str| fleet.remote.commit("hosts/web1/configuration.nix", text, text);
    commit("one\n");
    fleet.pulled();
    let one = fleet.git(&["rev-parse", "HEAD"]);
    commit("two\n");
    fleet.pulled();
    let two = fleet.git(&["rev-parse", "HEAD"]);
    // As the files and the branch are when the power goes in between.
    let cut_off = || {
        fleet.git(&["update-ref", "refs/heads/main", &one]);
        fleet.git(&["update-ref", "refs/nixfleet/pulling", &two]);
    };
    cut_off();
    assert_eq!(fleet.git(&["status", "--porcelain"]), "M  hosts/web1/configuration.nix");
    commit("three\n");
    let moved = fleet.pulled();
    assert_eq!(moved.from.unwrap().as_str(), one);
    assert_eq!(fs::read_to_string(fleet.checkout.join("hosts/web1/configuration.nix")).unwrap(), "three\n");
    assert_eq!(fleet.git(&["status", "--porcelain"]), "");
    assert_eq!(fleet.git(&["for-each-ref", "refs/nixfleet"]), "");

    // Somebody's own changes are nobody's leftovers.
    fleet.git(&["reset", "--quiet", "--hard", &one]);
    cut_off();
    fs::write(fleet.checkout.join("hosts/web1/configuration.nix"), "mine\n").unwrap();
    assert!(fleet.refused().contains("has local changes"));
    assert_eq!(fs::read_to_string(fleet.checkout.join("hosts/web1/configuration.nix")).unwrap(), "mine\n");
    // A commit of somebody's own, too.
    fleet.git(&["commit", "--quiet", "--all", "--message", "mine"]);
    fleet.git(&["update-ref", "refs/nixfleet/pulling", &two]);
    assert!(fleet.refused().contains("has diverged"));
    assert_eq!(fleet.git(&["for-each-ref", "refs/nixfleet"]), "");
}

#[test]
fn a_pull_that_was_cut_off_is_completed_where_it_added_and_removed_files() {
    let fleet = Fleet::new();
    fleet.remote.commit("old", "old\n", "old");
    fleet.pulled();
    let one = fleet.git(&["rev-parse", "HEAD"]);
    fleet.remote.git(&["rm", "--quiet", "old"]);
    fleet.remote.commit("directory/new", "new\n", "new");
    fleet.pulled();
    let two = fleet.git(&["rev-parse", "HEAD"]);
    fleet.git(&["update-ref", "refs/heads/main", &one]);
    fleet.git(&["update-ref", "refs/nixfleet/pulling", &two]);
    assert_eq!(fleet.pulled().to.as_str(), two);
    assert_eq!(fleet.git(&["status", "--porcelain"]), "");

    // The index was not written yet: it is, last of all. Nor all of the new file.
    let cut_off = |content: &str| {
        fleet.git(&["update-ref", "refs/heads/main", &one]);
        fleet.git(&["read-tree", &one]);
        fleet.git(&["update-ref", "refs/nixfleet/pulling", &two]);
        fs::write(fleet.checkout.join("directory/new"), content).unwrap();
    };
    for content in ["new\n", "ne", ""] {
        cut_off(content);
        assert_eq!(fleet.pulled().to.as_str(), two, "{content}");
        assert_eq!(fs::read_to_string(fleet.checkout.join("directory/new")).unwrap(), "new\n");
        assert_eq!(fleet.git(&["status", "--porcelain"]), "");
    }
    // Somebody's own is nobody's leftover.
    cut_off("mine\n");
    assert!(fleet.refused().contains("directory/new"));
    assert_eq!(fs::read_to_string(fleet.checkout.join("directory/new")).unwrap(), "mine\n");
}

#[test]
fn locks_of_a_pull_that_was_cut_off_are_removed_and_no_others() {
    let fleet = Fleet::new();
    fleet.remote.commit("a", "1\n", "one");
    fleet.pulled();
    let now = Timestamp::now();
    let minute = std::time::Duration::from_mins(1);
    let lock = fleet.checkout.join(".git/refs/heads/main.lock");
    for (from, until, stays) in [
        (now - 2 * minute, now - minute, true),
        (now + minute, now + 2 * minute, true),
        (now - minute, now + minute, false),
    ] {
        fs::write(&lock, "").unwrap();
        nixfleet_core::git::remove_locks_made_between(&fleet.checkout, "main", from, until);
        assert_eq!(lock.exists(), stays);
    }
    // In the store nobody else works.
    for left in ["shallow.lock", "refs/nixfleet/tracked.lock"] {
        fs::write(fleet.store.path().join(left), "").unwrap();
    }
    fleet.remote.commit("a", "2\n", "two");
    fleet.pulled();
    assert!(!fleet.store.path().join("shallow.lock").exists() && fleet.store.path().join("nixfleet.lock").exists());
}

//! One repository and its remote, on real files: what is told, and what is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::infer;
use nixfleet_core::model::{HostStatus, State};
use nixfleet_core::observation::{BoundedCount, Divergence, Reading};
use nixfleet_core::observe::{RepositoryObserver, RepositoryOptions};
use world::git_server::repository::TestRepository;

fn now() -> Timestamp {
    "2026-03-16T12:00:00Z".parse().unwrap()
}

fn observer(checkout: &Path, cache_directory: &Path) -> RepositoryObserver {
    let options = RepositoryOptions { cache_directory: cache_directory.to_owned(), ..RepositoryOptions::default() };
    RepositoryObserver::open(checkout, options, "1.0").unwrap()
}

fn status(observer: &RepositoryObserver) -> HostStatus {
    infer(&observer.observe(), now())
}

/// Each file below the directory with its content and its time of change.
fn files(directory: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), (std::fs::read(&path).unwrap(), metadata.modified().unwrap()));
        }
    }
    found
}

#[test]
fn a_checkout_and_its_upstream() {
    let origin = TestRepository::new();
    let checkout = origin.clone(&[]);
    let cache = tempfile::tempdir().unwrap();
    let observer = observer(&checkout.path, cache.path());
    let before = status(&observer).compartments;
    assert_eq!((before.git.state, before.lock.state), (State::Unknown, State::Unknown));
    assert_eq!(before.git.reason, "the remote was not read yet");

    observer.check_remote(now());
    let after = status(&observer);
    assert_eq!(after.host, checkout.path.display().to_string());
    let states: Vec<State> = after.compartments.iter().map(|(_, status)| status.state).collect();
    assert_eq!(states, [State::Unknown, State::Ok, State::Ok, State::Unknown, State::Unknown]);
    assert!(observer.observe().is_repository_only());
}

#[test]
fn commits_that_only_one_side_has_are_counted() {
    let origin = TestRepository::new();
    let checkout = origin.clone(&[]);
    let cache = tempfile::tempdir().unwrap();
    let observer = observer(&checkout.path, cache.path());
    let counts = || {
        observer.check_remote(now());
        let Divergence { ahead, behind } = observer.observe().divergence.unwrap();
        assert!(!ahead.at_least && !behind.at_least);
        (ahead.count, behind.count)
    };
    assert_eq!(counts(), (0, 0));
    origin.commit("one", "", "one");
    assert_eq!(counts(), (0, 1));
    origin.commit("two", "", "two");
    assert_eq!(counts(), (0, 2));
    checkout.commit("three", "", "three");
    assert_eq!(counts(), (1, 2));
    checkout.git(&["pull", "--quiet", "--rebase"]);
    assert_eq!(counts(), (1, 0));
    checkout.git(&["reset", "--quiet", "--hard", "origin/main"]);
    assert_eq!(counts(), (0, 0));

    origin.import("main", Some(&origin.head()), 1001, 1_800_000_000);
    observer.check_remote(now());
    let behind = observer.observe().divergence.unwrap().behind;
    assert_eq!(behind, BoundedCount { count: 1000, at_least: true });
    let reason = status(&observer).compartments.git.reason;
    assert!(reason.starts_with("1000+ commits behind "), "{reason}");
}

#[test]
fn the_cache_serves_the_next_observer_and_the_checkout_is_never_written() {
    let origin = TestRepository::new();
    let checkout = origin.clone(&[]);
    let untouched = files(&checkout.path);
    origin.commit("flake.lock", "{\"version\": 7}\n", "second");
    let cache = tempfile::tempdir().unwrap();

    let first = observer(&checkout.path, cache.path());
    first.check_remote(now());
    let seen = first.observe().remote.last_good.unwrap();
    assert_eq!(seen.first_seen_at, now());
    let fetched = |cache: &Path| -> Vec<_> {
        files(cache).into_iter().filter(|(path, _)| path.to_str().unwrap().contains("/objects/")).collect()
    };
    let objects = fetched(cache.path());
    assert!(!objects.is_empty(), "the new commit was fetched into the cache");

    let later = now() + Duration::from_hours(1);
    let second = observer(&checkout.path, cache.path());
    assert_eq!(second.observe().remote.last_good.as_ref(), Some(&seen), "known before anybody is asked");
    second.check_remote(later);
    let confirmed = second.observe().remote.last_good.unwrap();
    assert_eq!((confirmed.first_seen_at, confirmed.confirmed_at), (now(), later));
    assert_eq!(fetched(cache.path()), objects, "nothing is fetched twice");

    origin.commit("flake.lock", "{\"version\": 7 }\n", "third");
    let third = observer(&checkout.path, cache.path());
    third.check_remote(later);
    let moved = third.observe().remote.last_good.unwrap();
    assert_eq!((moved.first_seen_at, moved.earlier_tips), (later, vec![seen.as_seen_tip()]));
    assert_eq!(files(&checkout.path), untouched);
}

#[test]
fn a_cached_answer_for_another_branch_does_not_count() {
    let origin = TestRepository::new();
    origin.git(&["branch", "next"]);
    let checkout = origin.clone(&[]);
    let cache = tempfile::tempdir().unwrap();
    observer(&checkout.path, cache.path()).check_remote(now());

    let options = || RepositoryOptions { cache_directory: cache.path().to_owned(), ..RepositoryOptions::default() };
    let next = RepositoryOptions { branch: Some("next".to_owned()), ..options() };
    let next = RepositoryObserver::open(&checkout.path, next, "1.0").unwrap();
    assert_eq!(next.observe().remote.last_good, None);
    next.check_remote(now());
    assert_eq!(next.observe().remote.last_good.unwrap().branch, "next");
}

#[test]
fn a_remote_that_fails_is_told_beside_its_last_good_answer() {
    let origin = TestRepository::new();
    let checkout = origin.clone(&[]);
    let cache = tempfile::tempdir().unwrap();
    let observer = observer(&checkout.path, cache.path());
    observer.check_remote(now() - Duration::from_mins(40));
    std::fs::rename(&origin.path, origin.path.with_extension("away")).unwrap();
    observer.check_remote(now() - Duration::from_mins(30));
    let git = status(&observer).compartments.git;
    assert_eq!(git.state, State::Ok);
    assert!(git.reason.contains("; last read 40 min ago, the last try failed: "), "{}", git.reason);
    for minutes in [20, 10] {
        observer.check_remote(now() - Duration::from_mins(minutes));
    }
    let git = status(&observer).compartments.git;
    assert_eq!(git.state, State::Error);
    assert!(git.reason.starts_with("remote unreadable for 30 min (3 tries): "), "{}", git.reason);
    assert!(observer.observe().remote.last_good.is_some());
}

#[test]
fn without_a_remote_only_the_local_side_is_known() {
    let alone = TestRepository::new();
    let cache = tempfile::tempdir().unwrap();
    let observer = observer(&alone.path, cache.path());
    observer.check_remote(now());
    assert_eq!(observer.remote_url(), None);
    let observation = observer.observe();
    assert!(observation.repository.present().is_some() && observation.local_lock.present().is_some());
    assert_eq!(
        status(&observer).compartments.git.reason,
        "no remote is configured: give the branch an upstream, or name the remote"
    );
    assert!(files(cache.path()).is_empty());
}

#[test]
fn no_password_of_the_address_is_shown() {
    let checkout = TestRepository::new();
    checkout.git(&["remote", "add", "origin", "https://me:hunter2@localhost:1/fleet.git"]);
    let cache = tempfile::tempdir().unwrap();
    let observer = observer(&checkout.path, cache.path());
    assert_eq!(observer.remote_url().as_deref(), Some("https://localhost:1/fleet.git"));
    observer.check_remote(now());
    let told = format!("{observer:?} {:?} {:?}", observer.observe(), status(&observer));
    assert!(!told.contains("hunter2"), "{told}");
    assert!(observer.observe().remote.last_attempt.unwrap().error.is_some());
}

#[test]
fn a_repository_that_becomes_unreadable_is_a_value() {
    let origin = TestRepository::new();
    let checkout = origin.clone(&[]);
    let cache = tempfile::tempdir().unwrap();
    let observer = observer(&checkout.path, cache.path());
    checkout.write(".git/HEAD", "no reference");
    let observation = observer.observe();
    let Reading::Unreadable(sentence) = &observation.repository else { panic!("{:?}", observation.repository) };
    assert_eq!(
        observation.local_lock,
        Reading::Unreadable(sentence.clone()),
        "a lock that is not there would be another thing"
    );
    assert_eq!(status(&observer).compartments.lock.state, State::Unknown);

    std::fs::remove_dir_all(&checkout.path).unwrap();
    let sentence = format!("there is no Git repository at {}: name a checkout of a flake", checkout.path.display());
    assert_eq!(observer.observe().repository, Reading::Unreadable(sentence.clone()), "nobody pulls here");
    assert_eq!(status(&observer).compartments.lock.reason, sentence);
}

#[test]
fn a_repository_that_hangs_is_told_after_the_limit() {
    let repository = TestRepository::new();
    let cache_directory = tempfile::tempdir().unwrap();
    let options = RepositoryOptions {
        cache_directory: cache_directory.path().to_owned(),
        local_limit: std::time::Duration::from_millis(300),
        ..RepositoryOptions::default()
    };
    let observer = RepositoryObserver::open(&repository.path, options, "1.0").unwrap();
    let index = repository.path.join(".git/index");
    std::fs::remove_file(&index).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &index, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let sentence = observer.observe().repository.error().unwrap().to_owned();
    assert!(sentence.contains("did not answer within 300ms"), "{sentence}");
}

//! A remote over http, `git://` and as a path, with real servers.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::Sha256;
use nixfleet_core::git::{Credentials, RemoteError, RemoteSource, RemoteStore, divergence};
use nixfleet_core::observation::{BoundedCount, Divergence, RemoteCommit};
use tempfile::TempDir;
use world::git_server::daemon::GitDaemon;
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::{TestRepository, git};
use world::git_server::source;
use world::git_server::tcp::{SilentServer, free_port};

/// A store in a directory of its own.
struct TestStore {
    directory: TempDir,
    store: RemoteStore,
}

impl TestStore {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = RemoteStore::new(directory.path().join("state/remote.git"));
        Self { directory, store }
    }

    fn observe(&self, source: &RemoteSource) -> Result<RemoteCommit, RemoteError> {
        self.store.observe(source, None, None, second(1))
    }

    fn fsck(&self) {
        git(self.store.path(), &["fsck", "--full", "--strict"]);
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn one_commit_is_read_whole() {
    let upstream = TestRepository::new();
    upstream.commit("a", "1", "subject\u{1b}[31m of it\n\nbody");
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let store = TestStore::new();
    let seen = store.observe(&source(&server.url(), None)).unwrap();
    assert_eq!(seen.url, server.url());
    assert_eq!(seen.branch, "main");
    assert_eq!(seen.revision.as_str(), upstream.head());
    assert_eq!(seen.subject, "subject [31m of it");
    assert_eq!(seen.committed_at.as_second().to_string(), upstream.git(&["log", "-1", "--format=%ct"]));
    assert_eq!(seen.lock.unwrap().sha256, Sha256::of(b"{\"version\":7}\n"));
    assert_eq!((seen.first_seen_at, seen.confirmed_at), (second(1), second(1)));
    store.fsck();
    assert_eq!(git(store.store.path(), &["for-each-ref", "--format=%(refname)"]), "refs/nixfleet/tracked");
    assert!(!store.store.path().join("FETCH_HEAD").exists());
}

#[test]
fn nothing_new_is_not_fetched() {
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let store = TestStore::new();
    let source = source(&server.url(), Some("main"));
    let first = store.store.observe(&source, None, None, second(1)).unwrap();
    let fetches = server.fetches();
    assert!(fetches > 0);
    // Not even the objects are looked at.
    std::fs::remove_dir_all(store.store.path().join("objects")).unwrap();
    let again = store.store.observe(&source, Some(&first), None, second(2)).unwrap();
    assert_eq!(again, RemoteCommit { confirmed_at: second(2), ..first.clone() });
    assert_eq!(server.fetches(), fetches);
    // A damaged store is made anew where it is needed.
    let next = upstream.commit("flake.lock", "2", "second");
    let newer = store.store.observe(&source, Some(&again), None, second(3)).unwrap();
    assert_eq!((newer.revision.as_str(), newer.first_seen_at), (next.as_str(), second(3)));
    assert_eq!(newer.lock.unwrap().sha256, Sha256::of(b"2"));
    store.fsck();
    // Without a previous answer the store has it all.
    let fetches = server.fetches();
    assert_eq!(store.store.observe(&source, None, None, second(4)).unwrap().revision.as_str(), next);
    assert_eq!(server.fetches(), fetches);
}

#[test]
fn whoever_wants_the_commit_gets_it_whatever_was_known_of_it() {
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let source = source(&server.url(), Some("main"));
    let elsewhere = TestStore::new().store.observe(&source, None, None, second(1)).unwrap();
    // As one that was read from a forge's API.
    let store = TestStore::new();
    let confirmed = store.store.observe(&source, Some(&elsewhere), None, second(2)).unwrap();
    assert!(git(store.store.path(), &["for-each-ref"]).is_empty(), "its objects are not here");
    let seen = store.store.fetch(&source, Some(&confirmed), None, second(3)).unwrap();
    assert_eq!(seen, RemoteCommit { confirmed_at: second(3), ..elsewhere });
    assert_eq!(git(store.store.path(), &["rev-parse", "refs/nixfleet/tracked"]), upstream.head());
    store.fsck();
    // What is here is not fetched once more, wherever it lies.
    let fetches = server.fetches();
    store.store.fetch(&source, Some(&seen), None, second(4)).unwrap();
    TestStore::new().store.fetch(&source, Some(&seen), Some(&upstream.path), second(4)).unwrap();
    assert_eq!(server.fetches(), fetches);
}

#[test]
fn what_the_checkout_has_is_not_fetched() {
    let upstream = TestRepository::new();
    let base = upstream.head();
    upstream.import("main", Some(&base), 3000, 1_900_000_000);
    upstream.git(&["reset", "--quiet", "--hard"]);
    let checkout = upstream.clone(&[]);
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let source = source(&server.url(), Some("main"));

    let store = TestStore::new();
    let seen = store.store.observe(&source, None, Some(&checkout.path), second(1)).unwrap();
    assert_eq!((seen.revision.as_str(), server.fetches()), (checkout.head().as_str(), 0));

    let next = upstream.commit("a", "1", "new");
    let seen = store.store.observe(&source, Some(&seen), Some(&checkout.path), second(2)).unwrap();
    assert_eq!(seen.revision.as_str(), next);
    assert_eq!(seen.lock.unwrap().sha256, Sha256::of(b"{\"version\":7}\n"));
    let objects = git(store.store.path(), &["count-objects", "-v"]);
    let packed: u32 = objects.lines().find_map(|line| line.strip_prefix("in-pack: ")).unwrap().parse().unwrap();
    assert!(packed <= 5, "{objects}");
    assert_eq!(git(store.store.path(), &["for-each-ref", "--format=%(refname)"]), "refs/nixfleet/tracked");
    let distance =
        divergence(&checkout.path, Some(&store.store), &checkout.head().parse().unwrap(), &next.parse().unwrap(), 1000);
    let one_behind = Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(1) };
    assert_eq!(distance.unwrap(), Some(one_behind));

    // The checkout goes away, and with it what the store relied on.
    drop(checkout);
    let next = upstream.commit("a", "2", "newer");
    let seen = store.store.observe(&source, None, None, second(3)).unwrap();
    assert_eq!(seen.revision.as_str(), next);
    store.fsck();
}

#[test]
fn shallow_and_partial_checkouts_do_not_mislead() {
    let upstream = TestRepository::new();
    for number in 0..5 {
        upstream.commit("a", &number.to_string(), "more");
    }
    upstream.git(&["config", "uploadpack.allowFilter", "true"]);
    for arguments in [&["--depth=1"][..], &["--filter=blob:none", "--no-checkout"]] {
        let checkout = upstream.clone(arguments);
        let next = upstream.commit("b", &format!("{arguments:?}"), "new");
        let server = HttpServer::start(upstream.root(), Behaviour::default());
        let store = TestStore::new();
        let source = source(&server.url(), Some("main"));
        let seen = store.store.observe(&source, None, Some(&checkout.path), second(1)).unwrap();
        assert_eq!(seen.revision.as_str(), next);
        assert!(seen.lock.is_some());
        store.fsck();
    }
}

#[test]
fn branches_of_all_kinds() {
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let store = TestStore::new();
    let main = upstream.head();
    let side = {
        upstream.git(&["checkout", "--quiet", "-b", "side/way"]);
        let side = upstream.commit("a", "1", "side");
        upstream.git(&["checkout", "--quiet", "main"]);
        side
    };
    // A tag of the same name, elsewhere.
    upstream.git(&["tag", "main", "side/way"]);
    upstream.git(&["tag", "only-a-tag"]);
    assert_eq!(store.observe(&source(&server.url(), Some("main"))).unwrap().revision.as_str(), main);
    let seen = store.observe(&source(&server.url(), Some("side/way"))).unwrap();
    assert_eq!(seen.revision.as_str(), side);

    // A rewritten branch is an answer like any other.
    upstream.git(&["checkout", "--quiet", "side/way"]);
    upstream.git(&["reset", "--quiet", "--hard", "refs/heads/main"]);
    let rewritten = upstream.commit("b", "1", "rewritten");
    let again = store.store.observe(&source(&server.url(), Some("side/way")), Some(&seen), None, second(2)).unwrap();
    assert_eq!(again.revision.as_str(), rewritten);
    let distance =
        divergence(&upstream.path, Some(&store.store), &side.parse().unwrap(), &rewritten.parse().unwrap(), 10);
    let one = BoundedCount::exactly(1);
    assert_eq!(distance.unwrap(), Some(Divergence { ahead: one, behind: one }));

    upstream.git(&["rm", "--quiet", "flake.lock"]);
    upstream.git(&["commit", "--quiet", "-m", "no lock"]);
    assert_eq!(store.observe(&source(&server.url(), Some("side/way"))).unwrap().lock, None);

    upstream.git(&["checkout", "--quiet", "main"]);
    upstream.git(&["branch", "--quiet", "-D", "side/way"]);
    let error = store.observe(&source(&server.url(), Some("side/way"))).unwrap_err();
    assert!(matches!(&error, RemoteError::NoBranch { branch, .. } if branch == "side/way"), "{error}");
    assert!(matches!(store.observe(&source(&server.url(), Some("only-a-tag"))), Err(RemoteError::NoBranch { .. })));
    upstream.git(&["checkout", "--quiet", "--detach"]);
    assert!(matches!(store.observe(&source(&server.url(), None)), Err(RemoteError::NoDefaultBranch { .. })));
    let empty = TestRepository::empty(&[]);
    let server = HttpServer::start(empty.root(), Behaviour::default());
    assert!(matches!(store.observe(&source(&server.url(), None)), Err(RemoteError::Empty { .. })));
}

#[test]
fn a_branch_that_moves_meanwhile_is_read_from_one_commit() {
    for moves_at in 0..3 {
        let upstream = Arc::new(TestRepository::new());
        let moving = Arc::clone(&upstream);
        let before = Arc::new(move |number| {
            if number == moves_at {
                moving.commit("flake.lock", "moved", "moved");
            }
        });
        let server = HttpServer::start(upstream.root(), Behaviour { before: Some(before), ..Behaviour::default() });
        let seen = TestStore::new().observe(&source(&server.url(), Some("main"))).unwrap();
        // The third request is the fetch itself: the server told of the older tip before.
        let moved = moves_at < 2;
        assert_eq!(seen.revision.as_str() == upstream.head(), moved, "{moves_at}");
        assert_eq!(seen.subject, if moved { "moved" } else { "first" });
        let expected: &[u8] = if moved { b"moved" } else { b"{\"version\":7}\n" };
        assert_eq!(seen.lock.unwrap().sha256, Sha256::of(expected));
    }
}

#[test]
fn other_transports() {
    let upstream = TestRepository::new();
    let daemon = GitDaemon::start(upstream.root());
    let path = upstream.path.to_str().unwrap().to_owned();
    for url in [daemon.url(), path.clone(), format!("file://{path}")] {
        let store = TestStore::new();
        assert_eq!(store.observe(&source(&url, None)).unwrap().revision.as_str(), upstream.head(), "{url}");
        store.fsck();
    }
    let missing = daemon.url().replace("repository", "nothing");
    for url in [missing, format!("{path}/nothing"), upstream.root().to_str().unwrap().to_owned()] {
        let error = TestStore::new().observe(&source(&url, None)).unwrap_err();
        assert!(matches!(error, RemoteError::NotFound { .. }), "{url}: {error:?}");
    }
}

fn with_token(url: &str, directory: &Path, token: &str) -> RemoteSource {
    let file = directory.join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    RemoteSource { credentials: Credentials { token_file: Some(file), ..Credentials::default() }, ..source(url, None) }
}

/// `x-access-token:S3CRET`
const AUTHORIZATION: &str = "Basic eC1hY2Nlc3MtdG9rZW46UzNDUkVU";

fn private() -> Behaviour {
    Behaviour { authorization: Some(AUTHORIZATION.to_owned()), ..Behaviour::default() }
}

#[test]
fn a_token_is_offered_once_and_never_shown() {
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), private());
    let store = TestStore::new();
    let directory = store.directory.path();
    let seen = store.observe(&with_token(&server.url(), directory, "S3CRET")).unwrap();
    assert_eq!(seen.revision.as_str(), upstream.head());
    let in_address = server.url().replace("http://", "http://x-access-token:S3CRET@");
    let seen = store.observe(&source(&in_address, None)).unwrap();
    assert_eq!(seen.url, server.url());

    let refused = HttpServer::start(upstream.root(), private());
    let error = store.observe(&with_token(&refused.url(), directory, "WR0NG")).unwrap_err();
    assert!(matches!(error, RemoteError::Authentication { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("WR0NG"));
    assert_eq!(refused.requests().iter().filter(|request| request.authorization.is_some()).count(), 1);

    let error = store.observe(&source(&server.url(), None)).unwrap_err().to_string();
    assert!(error.contains("configure a token"), "{error}");
    let unreadable = Credentials { token_file: Some(directory.join("none")), ..Credentials::default() };
    let error = store.observe(&RemoteSource { credentials: unreadable, ..source(&server.url(), None) }).unwrap_err();
    assert!(matches!(error, RemoteError::Credentials { .. }), "{error}");
    for text in walk(store.store.path()) {
        assert!(!text.contains("S3CRET"));
    }
}

/// The text of all files under the directory.
fn walk(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()]
            }
        })
        .collect()
}

#[test]
fn a_token_does_not_follow_a_redirect() {
    let upstream = TestRepository::new();
    let evil = HttpServer::start(upstream.root(), private());
    for (host, first_wants_it) in [("127.0.0.1", false), ("127.0.0.1", true), ("localhost", false), ("localhost", true)]
    {
        let redirect_to = Some(format!("http://{host}:{}", evil.port()));
        let behaviour = if first_wants_it { private() } else { Behaviour::default() };
        let server = HttpServer::start(upstream.root(), Behaviour { redirect_to, ..behaviour });
        let store = TestStore::new();
        let outcome = store.observe(&with_token(&server.url(), store.directory.path(), "S3CRET"));
        let offered = evil.requests().iter().filter(|request| request.authorization.is_some()).count();
        assert!(outcome.is_err());
        assert_eq!(offered, 0, "{host} {first_wants_it}");
    }
}

#[test]
fn a_redirect_on_the_same_host_is_followed() {
    let upstream = TestRepository::new();
    let target = HttpServer::start(upstream.root(), Behaviour::default());
    let redirect_to = Some(format!("http://127.0.0.1:{}", target.port()));
    let server = HttpServer::start(upstream.root(), Behaviour { redirect_to, ..Behaviour::default() });
    let seen = TestStore::new().observe(&source(&server.url(), None)).unwrap();
    assert_eq!((seen.url, seen.revision.as_str()), (server.url(), upstream.head().as_str()));
}

#[test]
fn failures_are_told_apart() {
    let upstream = TestRepository::new();
    let status =
        |status| HttpServer::start(upstream.root(), Behaviour { status: Some(status), ..Behaviour::default() });
    let (forbidden, gone, broken) = (status("403 Forbidden"), status("404 Not Found"), status("503 Busy"));
    let web = HttpServer::start(upstream.root(), Behaviour { page: Some("<html>hello"), ..Behaviour::default() });
    let truncating =
        HttpServer::start(upstream.root(), Behaviour { truncate_fetch_at: Some(200), ..Behaviour::default() });
    let refused = format!("http://127.0.0.1:{}/a", free_port());
    let not_tls = SilentServer::start(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let not_tls_url = format!("https://{}/a", not_tls.address);
    let kind = |url: &str| match TestStore::new().observe(&source(url, None)) {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            println!("{error}");
            format!("{error:?}").split_whitespace().next().unwrap().to_owned()
        }
    };
    for (url, expected) in [
        (forbidden.url(), "Authentication"),
        (gone.url(), "NotFound"),
        (broken.url(), "Network"),
        (web.url(), "Protocol"),
        (truncating.url(), "Network"),
        (refused, "Network"),
        (not_tls_url, "Network"),
        ("http://no-such-host.invalid/a".to_owned(), "Network"),
        ("ftp://host/a".to_owned(), "Address"),
        (String::new(), "Address"),
    ] {
        assert_eq!(kind(&url), expected, "{url}");
    }
}

#[test]
fn a_silent_server_ends_at_the_idle_limit() {
    let server = SilentServer::start(b"");
    let look = |scheme: &str| {
        let started = Instant::now();
        let error = TestStore::new().observe(&source(&format!("{scheme}://{}/a", server.address), None)).unwrap_err();
        assert!(matches!(error, RemoteError::Timeout { .. }), "{scheme}: {error:?}");
        assert!(started.elapsed() < Duration::from_mins(1), "{scheme}: {:?}", started.elapsed());
    };
    std::thread::scope(|scope| {
        for scheme in ["http", "https", "git"] {
            scope.spawn(move || look(scheme));
        }
    });
}

fn impatient(url: &str) -> RemoteSource {
    let mut source = source(url, Some("main"));
    source.timeouts.total = Duration::from_millis(1500);
    source
}

#[test]
fn a_dripping_server_ends_at_the_total_limit() {
    let drip =
        b"HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let server = SilentServer::start(drip);
    let store = TestStore::new();
    for _ in 0..2 {
        let started = Instant::now();
        let error = store.observe(&impatient(&format!("http://{}/a", server.address))).unwrap_err();
        assert!(matches!(error, RemoteError::Timeout { .. }), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    }
    // It did not get as far as the store: that is free.
    let upstream = TestRepository::new();
    let well = HttpServer::start(upstream.root(), Behaviour::default());
    assert_eq!(store.observe(&source(&well.url(), None)).unwrap().revision.as_str(), upstream.head());
}

#[test]
fn a_fetch_that_drips_is_broken_off_and_leaves_the_store_free() {
    let upstream = TestRepository::new();
    let dripping = HttpServer::start(upstream.root(), Behaviour { drip_fetch: true, ..Behaviour::default() });
    let well = HttpServer::start(upstream.root(), Behaviour::default());
    let store = TestStore::new();
    let error = store.observe(&impatient(&dripping.url())).unwrap_err();
    assert!(matches!(error, RemoteError::Timeout { .. }), "{error:?}");
    // That server still drips.
    assert_eq!(store.observe(&source(&well.url(), None)).unwrap().revision.as_str(), upstream.head());
    store.fsck();
    drop(dripping);
}

#[test]
fn two_looks_at_once_agree() {
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let store = TestStore::new();
    std::thread::scope(|scope| {
        let looks: Vec<_> = (0..8).map(|_| scope.spawn(|| store.observe(&source(&server.url(), None)))).collect();
        for look in looks {
            assert_eq!(look.join().unwrap().unwrap().revision.as_str(), upstream.head());
        }
    });
    store.fsck();
}

#[test]
fn a_damaged_store_is_made_anew_and_a_foreign_directory_is_left_alone() {
    let upstream = TestRepository::new();
    let server = HttpServer::start(upstream.root(), Behaviour::default());
    let source = source(&server.url(), None);
    let store = TestStore::new();
    store.observe(&source).unwrap();
    let path = store.store.path().to_owned();
    let pack = std::fs::read_dir(path.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    for file in pack {
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, "garbage").unwrap();
    }
    std::fs::write(path.join("objects/pack/tmp_left"), "x").unwrap();
    assert_eq!(store.observe(&source).unwrap().revision.as_str(), upstream.head());
    assert!(!path.join("objects/pack/tmp_left").exists());
    for file in ["HEAD", "config", "nixfleet-store", "refs/nixfleet/tracked"] {
        std::fs::remove_dir_all(path.join("objects")).unwrap();
        std::fs::write(path.join(file), "garbage[\n").unwrap();
        std::fs::remove_file(path.join(file)).unwrap();
        assert_eq!(store.observe(&source).unwrap().revision.as_str(), upstream.head(), "{file}");
    }
    store.fsck();

    let foreign = RemoteStore::new(&upstream.path);
    let error = foreign.observe(&source, None, None, second(1)).unwrap_err();
    assert!(matches!(error, RemoteError::Store { .. }), "{error}");
    assert_eq!(upstream.git(&["status", "--porcelain"]), "");
}

//! Two looks at the remote at once, of the agent and of a pull.

use std::sync::{Arc, OnceLock};

use nixfleet_core::observation::ToldDistance;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::TestRepository;

use super::*;

struct Host {
    _root: tempfile::TempDir,
    config: HostConfig,
    state: StateDirectory,
    runtime: RuntimeDirectory,
}

impl Host {
    /// Whose checkout lies there, and whose remote is at this address.
    fn new(checkout: &TestRepository, url: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let [state, run] = ["state", "run"].map(|name| root.path().join(name));
        for directory in [&state, &run] {
            std::fs::create_dir(directory).unwrap();
        }
        let config = serde_json::json!({
            "host": "web1",
            "repository": { "url": url, "branch": "main", "path": checkout.path }
        });
        Self {
            _root: root,
            config: serde_json::from_value(config).unwrap(),
            state: StateDirectory::new(state),
            runtime: RuntimeDirectory::new(run),
        }
    }

    fn look(&self) -> String {
        look(&self.config, &self.state, &self.runtime, &mut KnownAnswers::default()).unwrap().revision.to_string()
    }

    fn recorded(&self) -> String {
        self.state.read_remote().unwrap().unwrap().revision.to_string()
    }
}

#[test]
fn what_a_later_look_found_is_not_replaced_by_what_an_earlier_one_brings() {
    let upstream = TestRepository::new();
    let checkout = upstream.clone(&[]);
    let first = upstream.head();
    let fetched = Arc::new(OnceLock::new());
    let meanwhile: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
    let during_fetch = {
        let meanwhile = Arc::clone(&meanwhile);
        // The references, the references again for the fetch, the pack: by then the first look knows which commit it gets.
        move |number| {
            if number == 3
                && let Some(meanwhile) = meanwhile.get()
            {
                meanwhile();
            }
        }
    };
    let behaviour = Behaviour { before: Some(Arc::new(during_fetch)), ..Behaviour::default() };
    let server = HttpServer::start(upstream.root(), behaviour);
    let host = Arc::new(Host::new(&checkout, &server.url()));
    assert_eq!(host.look(), first, "request 0, with nothing to fetch");

    let second = upstream.commit("a", "1", "second");
    let pushes = {
        let (host, fetched, upstream) = (Arc::clone(&host), Arc::clone(&fetched), upstream.path.clone());
        let checkout = checkout.path.clone();
        move || {
            // A person pushes from the host itself, so that the second look has nothing to fetch.
            let git = |arguments: &[&str]| world::git_server::repository::git(&checkout, arguments);
            let upstream = upstream.to_str().unwrap();
            git(&["pull", "--quiet", upstream, "main"]);
            git(&["commit", "--quiet", "--allow-empty", "-m", "third"]);
            git(&["push", "--quiet", upstream, "HEAD:refs/heads/pushed"]);
            let third = git(&["rev-parse", "HEAD"]);
            world::git_server::repository::git(upstream.as_ref(), &["update-ref", "refs/heads/main", &third]);
            assert_eq!(host.look(), third);
            fetched.set(third).unwrap();
        }
    };
    assert!(meanwhile.set(Box::new(pushes)).is_ok());
    assert_eq!(host.look(), second, "what the branch had when this look began to fetch");
    let third = fetched.get().expect("another look came meanwhile");
    assert_eq!(&host.recorded(), third);
    let attempt = host.runtime.read_remote_attempt().unwrap().unwrap();
    assert_eq!((attempt.succeeded_total, attempt.failed_total), (3, 0));
    // The next one finds it confirmed.
    assert_eq!((&host.look(), &host.recorded()), (third, third));
}

#[test]
fn which_answer_is_recorded() {
    let commit = |digit: char, second: i64| RemoteCommit {
        url: "file:///fleet".to_owned(),
        branch: "main".to_owned(),
        revision: String::from(digit).repeat(40).parse().unwrap(),
        subject: String::new(),
        committed_at: Timestamp::UNIX_EPOCH,
        lock: None,
        first_seen_at: Timestamp::from_second(second).unwrap(),
        confirmed_at: Timestamp::from_second(second).unwrap(),
        earlier_tips: Vec::new(),
        distance: None,
    };
    let (old, later, earlier) = (commit('a', 0), commit('b', 20), commit('b', 5));
    let distance = Some(ToldDistance { from: old.revision.clone(), ahead: Some(0), behind: Some(1) });
    let how_far = RemoteCommit { distance, ..later.clone() };
    let elsewhere = RemoteCommit { branch: "other".to_owned(), ..commit('c', 10) };
    let now = commit('c', 10);
    for (recorded, previous, tip, expected) in [
        (None, None, &now, true),
        (None, Some(&old), &now, true),
        (Some(&old), Some(&old), &now, true),
        (Some(&now), Some(&old), &now, false),
        (Some(&earlier), Some(&old), &now, true),
        (Some(&later), Some(&old), &now, false),
        (Some(&later), None, &now, false),
        // The clock was set back since: nobody else looked meanwhile.
        (Some(&later), Some(&later), &now, true),
        (Some(&elsewhere), Some(&elsewhere), &now, true),
        (Some(&later), Some(&later), &later, false),
        (Some(&later), Some(&later), &how_far, true),
    ] {
        assert_eq!(is_news(recorded, previous, tip), expected, "{recorded:?} {previous:?}");
    }
}

//! Which hosts are concerned.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::git::{self, RemoteStore};
use nixfleet_core::observe::HostObserver;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use serde::Serialize;

use super::fleet::{Carrying, Fleet, Tracking};
use super::place::Place;
use crate::arguments::{Places, PrPrometheusArguments};
use crate::remote;

/// Further apart is further than any commit that is looked for.
const COUNTED_COMMITS: u32 = 1000;

/// The hosts that turn yellow by a change of the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct TurningYellow {
    /// A sentence for people.
    pub(super) hosts: String,
    /// By name, where Prometheus tells.
    pub(super) fleet: Option<Tracking>,
    /// Why it does not, or not of all, where one is named.
    pub(super) fleet_problem: Option<String>,
}

impl TurningYellow {
    pub(super) fn find(place: &Place, prometheus: &PrPrometheusArguments, branch: &str) -> Self {
        let fleet = Fleet::ask(prometheus);
        let found = fleet.tracking(branch);
        let hosts = found.as_ref().map_or_else(
            || {
                let here = place.host.as_ref().map(|host| format!(", {} among them", host.host_name()));
                format!(
                    "every host that tracks {branch} of {}{}: Git and Lock turn yellow until it has pulled",
                    place.shown_url(),
                    here.unwrap_or_default()
                )
            },
            |found| found.words(branch),
        );
        Self { hosts: hosts + &fleet.missing_words(), fleet: found, fleet_problem: fleet.problem }
    }
}

/// The hosts that have a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Carriers {
    /// What this host knows of itself.
    pub(super) host: Option<HostWithCommit>,
    /// By name, where Prometheus tells.
    pub(super) fleet: Option<Carrying>,
    /// Why it does not, or not of all, where one is named.
    pub(super) fleet_problem: Option<String>,
    /// For people.
    #[serde(skip)]
    pub(super) words: String,
}

/// What this host has of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct HostWithCommit {
    pub(super) host: String,
    /// Whether it runs a system that was built with the commit; absent where that cannot be told.
    pub(super) runs_it: Option<bool>,
    /// Whether its checkout has it.
    pub(super) pulled_it: Option<bool>,
}

impl Carriers {
    /// Looks for a commit of the branch; it is not known for a pull request whose merge GitHub does not name.
    pub(super) fn find(
        place: &Place,
        places: &Places,
        prometheus: &PrPrometheusArguments,
        branch: &str,
        commit: Option<&Revision>,
    ) -> Self {
        let fleet = Fleet::ask(prometheus);
        let host = commit.and_then(|commit| this_host(place, places, commit));
        let store = RemoteStore::new(StateDirectory::new(&places.state_directory).remote_repository_path());
        let store = place.host.as_ref().map(|_| &store);
        // Most hosts are at the same few commits.
        let told: RefCell<BTreeMap<String, Option<bool>>> = RefCell::default();
        let in_fleet = commit.and_then(|commit| {
            let has = |revision: &Revision| {
                let look = || has_commit(&place.checkout, store, revision, commit);
                *told.borrow_mut().entry(revision.to_string()).or_insert_with(look)
            };
            let found = fleet.carrying(branch, has)?;
            Some((found.words(commit), found))
        });
        let (words, in_fleet) = match in_fleet {
            Some((words, found)) => (words, Some(found)),
            None => (words_without_names(place, branch, host.as_ref()), None),
        };
        Self { host, words: words + &fleet.missing_words(), fleet: in_fleet, fleet_problem: fleet.problem }
    }
}

/// What is known of this host.
fn this_host(place: &Place, places: &Places, commit: &Revision) -> Option<HostWithCommit> {
    let config = place.host.clone()?;
    let (state, runtime) =
        (StateDirectory::new(&places.state_directory), RuntimeDirectory::new(&places.runtime_directory));
    git::allow_foreign_owner();
    let checkout = remote::checkout(&config, &state);
    let host = config.host_name();
    let observer = HostObserver::new(config, state.clone(), runtime, Path::new("/"), env!("CARGO_PKG_VERSION"));
    let observation = observer.observe(Timestamp::now());
    let store = RemoteStore::new(state.remote_repository_path());
    let has = |revision: Option<&Revision>| has_commit(&checkout, Some(&store), revision?, commit);
    let running = observation.system.running.present().and_then(|system| system.revision.as_ref());
    let head = observation.repository.present().and_then(|repository| repository.head.as_ref());
    Some(HostWithCommit { host, runs_it: has(running), pulled_it: has(head) })
}

/// Whether `commit` is this revision, or comes before it and was not taken back between the two; absent where this machine
/// does not have both.
fn has_commit(checkout: &Path, store: Option<&RemoteStore>, revision: &Revision, commit: &Revision) -> Option<bool> {
    let found = git::divergence(checkout, store, revision, commit, COUNTED_COMMITS).ok()??;
    if found.behind.count > 0 || revision == commit {
        return Some(found.behind.count == 0);
    }
    // Where that cannot be told, such as where later commits changed the same lines, it counts as there.
    Some(!git::is_taken_back(checkout, revision, commit).unwrap_or(false))
}

fn words_without_names(place: &Place, branch: &str, found: Option<&HostWithCommit>) -> String {
    let all = format!("every host that tracks {branch} of {} and has pulled since may carry it", place.shown_url());
    let Some(found) = found else { return all };
    let words = match (found.runs_it, found.pulled_it) {
        (Some(true), _) => "runs it",
        (_, Some(true)) => "has pulled it and does not run it",
        (_, Some(false)) => "does not have it",
        (_, None) => "is not known to have it",
    };
    format!("{} {words}; {all}", found.host)
}

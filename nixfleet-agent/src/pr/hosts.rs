//! Which hosts are concerned.

use std::path::Path;

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::git::{self, RemoteStore};
use nixfleet_core::observe::HostObserver;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use serde::Serialize;

use super::place::Place;
use crate::arguments::Places;
use crate::remote;

/// Further apart is further than any commit that is looked for.
const COUNTED_COMMITS: u32 = 1000;

/// Which hosts turn yellow by a change of the branch.
pub(super) fn turning_yellow(place: &Place, branch: &str) -> String {
    let here = place.host.as_ref().map(|host| format!(", {} among them", host.host_name())).unwrap_or_default();
    format!(
        "every host that tracks {branch} of {}{here}: Git and Lock turn yellow until it has pulled",
        place.shown_url()
    )
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

/// What is known of this host; of the others their own nixfleet knows.
pub(super) fn carrying(place: &Place, places: &Places, commit: &Revision) -> Option<HostWithCommit> {
    let config = place.host.clone()?;
    let (state, runtime) =
        (StateDirectory::new(&places.state_directory), RuntimeDirectory::new(&places.runtime_directory));
    git::allow_foreign_owner();
    let checkout = remote::checkout(&config, &state);
    let host = config.host_name();
    let observer = HostObserver::new(config, state.clone(), runtime, Path::new("/"), env!("CARGO_PKG_VERSION"));
    let observation = observer.observe(Timestamp::now());
    let store = RemoteStore::new(state.remote_repository_path());
    let has = |revision: Option<&Revision>| {
        let found = git::divergence(&checkout, Some(&store), revision?, commit, COUNTED_COMMITS).ok()??;
        Some(found.behind.count == 0)
    };
    let running = observation.system.running.present().and_then(|system| system.revision.as_ref());
    let head = observation.repository.present().and_then(|repository| repository.head.as_ref());
    Some(HostWithCommit { host, runs_it: has(running), pulled_it: has(head) })
}

/// For people.
pub(super) fn carrying_words(place: &Place, branch: &str, found: Option<&HostWithCommit>) -> String {
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

//! Asking GitHub for the branch, without Git.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git::{self, RemoteStore};
use nixfleet_core::github::KnownAnswers;
use nixfleet_core::observation::RemoteCommit;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};

use super::{Answer, LookError, Tracked, checkout, tracked};
use crate::github_asking;

/// A commit that is new takes two requests, and one more where it is not this host's; one that is known a conditional one.
pub(super) fn ask(
    config: &HostConfig,
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
    known: &mut KnownAnswers,
    previous: Option<&RemoteCommit>,
    now: Timestamp,
) -> Answer {
    let tip = tracked(config, state).and_then(|tracked| {
        github_asking::respect_limit(known, runtime, &tracked.url);
        tip(config, state, &tracked, known, previous, now)
    });
    Answer { tip, not_before: known.not_before() }
}

fn tip(
    config: &HostConfig,
    state: &StateDirectory,
    tracked: &Tracked,
    known: &mut KnownAnswers,
    previous: Option<&RemoteCommit>,
    now: Timestamp,
) -> Result<RemoteCommit, LookError> {
    let Tracked { url, branch } = tracked;
    let limit = Duration::from_secs(config.remote.total_timeout_seconds);
    let mut without_distance = None;
    let tip = github_asking::ask(config, url, limit, async |client| {
        let tip = client.observe_branch(url, branch.as_deref(), previous, known, now).await?;
        let Some(head) = unknown_distance_from(config, state, &tip) else { return Ok(tip) };
        let revision = without_distance.insert(tip.clone()).revision.clone();
        Ok(RemoteCommit { distance: Some(client.distance(&head, &revision, known).await?), ..tip })
    });
    let tip = tip.map_err(LookError::from);
    tip.or_else(|error| match without_distance {
        // How far is a part of the answer; the tip is good without it.
        Some(tip) => {
            tracing::warn!("how far this host is from {} is not known: {error}", tip.revision.short());
            Ok(tip)
        }
        None => Err(error),
    })
}

/// The checkout's commit, where it is not the tip, the tip has not been fetched, and GitHub was not asked about the two.
fn unknown_distance_from(config: &HostConfig, state: &StateDirectory, tip: &RemoteCommit) -> Option<Revision> {
    let path = checkout(config, state);
    let head = git::head_of(&path).ok().flatten().filter(|head| *head != tip.revision)?;
    if tip.distance.as_ref().is_some_and(|told| told.from == head) {
        return None;
    }
    let store = RemoteStore::new(state.remote_repository_path());
    matches!(git::divergence(&path, Some(&store), &head, &tip.revision, 1), Ok(None)).then_some(head)
}

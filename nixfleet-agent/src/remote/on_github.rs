//! Asking GitHub for the branch, without Git.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::github::KnownAnswers;
use nixfleet_core::observation::RemoteCommit;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};

use super::{Answer, LookError, Tracked, tracked};
use crate::github_asking;

/// A commit that is new takes two requests; one that is known a conditional one.
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
        tip(config, &tracked, known, previous, now)
    });
    Answer { tip, not_before: known.not_before() }
}

fn tip(
    config: &HostConfig,
    tracked: &Tracked,
    known: &mut KnownAnswers,
    previous: Option<&RemoteCommit>,
    now: Timestamp,
) -> Result<RemoteCommit, LookError> {
    let Tracked { url, branch } = tracked;
    let limit = Duration::from_secs(config.remote.total_timeout_seconds);
    Ok(github_asking::ask(config, url, limit, async |client| {
        client.observe_branch(url, branch.as_deref(), previous, known, now).await
    })?)
}

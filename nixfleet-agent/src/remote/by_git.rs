//! Asking the remote itself, with Git.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git::{Credentials, RemoteSource, RemoteStore, Timeouts};
use nixfleet_core::observation::RemoteCommit;
use nixfleet_core::state_directory::StateDirectory;

use super::{Answer, By, Tracked, checkout, passed, tracked};

pub(super) fn ask(
    config: &HostConfig,
    state: &StateDirectory,
    previous: Option<&RemoteCommit>,
    now: Timestamp,
    by: By,
) -> Answer {
    let store = RemoteStore::new(state.remote_repository_path());
    let path = checkout(config, state);
    // A pull needs the commit itself, also where its facts are known.
    let look = match by {
        By::Agent => RemoteStore::observe,
        By::Pull => RemoteStore::fetch,
    };
    let tip = tracked(config, state)
        .and_then(|tracked| Ok(look(&store, &source(config, tracked), previous, Some(&path), now)?));
    Answer { tip, not_before: None }
}

/// The tracked branch, with the credentials that the configuration names, else those that systemd passes.
fn source(config: &HostConfig, tracked: Tracked) -> RemoteSource {
    let repository = &config.repository;
    let limits = &config.remote;
    RemoteSource {
        url: tracked.url,
        branch: tracked.branch,
        credentials: Credentials {
            token_file: repository.token_file.clone().or_else(|| passed("token")),
            username: repository.username.clone(),
            ssh_key_file: repository.ssh_key_file.clone().or_else(|| passed("ssh-key")),
            known_hosts_file: repository.known_hosts_file.clone().or_else(|| passed("known-hosts")),
        },
        timeouts: Timeouts {
            connect: Duration::from_secs(limits.connect_timeout_seconds),
            idle: Duration::from_secs(limits.idle_timeout_seconds),
            total: Duration::from_secs(limits.total_timeout_seconds),
        },
    }
}

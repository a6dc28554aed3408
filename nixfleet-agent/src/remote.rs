//! One look at the remote, with all that is recorded of it: the pull step's and the agent's are the same.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git::{self, Credentials, RemoteError, RemoteSource, RemoteStore, RepositoryError, Timeouts};
use nixfleet_core::observation::{RemoteAttempt, RemoteCommit};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory, StateError};

/// Why the remote's tip is not known, or not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error("no remote is configured: set services.nixfleet.repository.url")]
    NotConfigured,
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    State(#[from] StateError),
}

/// The checkout.
pub(crate) fn checkout(config: &HostConfig, state: &StateDirectory) -> PathBuf {
    config.repository.path.clone().unwrap_or_else(|| state.repository_path())
}

/// Looks at the remote and records the answer, or that there was none.
pub(crate) fn look(
    config: &HostConfig,
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
) -> Result<RemoteCommit, LookError> {
    state.share();
    // A record that cannot be read is one that is written anew.
    let previous = state.read_remote().ok().flatten();
    let now = Timestamp::now();
    let path = checkout(config, state);
    let answer = source(config, state).and_then(|source| {
        let store = RemoteStore::new(state.remote_repository_path());
        Ok(store.observe(&source, previous.as_ref(), Some(&path), now)?)
    });
    // Before the attempt: whoever reads that it succeeded finds what it brought.
    let written = match &answer {
        Ok(tip) => state.write_remote_if(tip, |recorded| is_news(recorded, previous.as_ref(), tip)),
        Err(_) => Ok(()),
    };
    let recorded = runtime.add_remote_attempt(|before| match &answer {
        Ok(_) => RemoteAttempt::succeeded(before, now),
        Err(error) => RemoteAttempt::failed(before, now, error.to_string()),
    });
    if let Err(error) = recorded {
        eprintln!("{error}");
    }
    let tip = answer?;
    written?;
    Ok(tip)
}

/// Whether the answer of a look that began when `previous` was recorded is to be written where `recorded` is by now. What a look
/// found that began later is not replaced by what the remote had before. A tip that is only confirmed is not written again: a
/// host at rest leaves its disk alone.
fn is_news(recorded: Option<&RemoteCommit>, previous: Option<&RemoteCommit>, tip: &RemoteCommit) -> bool {
    let Some(recorded) = recorded else { return true };
    let was_overtaken = previous != Some(recorded) && recorded.confirmed_at > tip.confirmed_at;
    let what = |commit: &RemoteCommit| (commit.url.clone(), commit.branch.clone(), commit.revision.clone());
    !was_overtaken && what(recorded) != what(tip)
}

/// The remote's address, as it is to be connected to.
pub(crate) fn url(config: &HostConfig, state: &StateDirectory) -> Result<String, LookError> {
    if let Some(url) = &config.repository.url {
        return Ok(url.clone());
    }
    Ok(git::tracked_remote(&checkout(config, state))?.ok_or(LookError::NotConfigured)?.url)
}

/// The tracked branch, with the credentials that the configuration names, else those that systemd passes.
fn source(config: &HostConfig, state: &StateDirectory) -> Result<RemoteSource, LookError> {
    let repository = &config.repository;
    let limits = &config.remote;
    let (url, branch) = if let Some(url) = &repository.url {
        (url.clone(), repository.branch.clone())
    } else {
        let tracked = git::tracked_remote(&checkout(config, state))?.ok_or(LookError::NotConfigured)?;
        (tracked.url, repository.branch.clone().or(tracked.branch))
    };
    Ok(RemoteSource {
        url,
        branch,
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
    })
}

/// A credential of the unit (`LoadCredential=NAME:FILE`), where it has one of this name.
pub(crate) fn passed(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    file.exists().then_some(file)
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;

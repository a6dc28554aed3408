//! One look at the remote, with all that is recorded of it: the pull step's and the agent's are the same.

mod by_git;
mod on_github;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git::{self, RemoteError, RepositoryError};
use nixfleet_core::github::{GithubError, KnownAnswers};
use nixfleet_core::observation::{RemoteAttempt, RemoteCommit};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory, StateError};

use crate::github_asking::AskingError;

/// Why the remote's tip is not known, or not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error("no remote is configured: set services.nixfleet.repository.url")]
    NotConfigured,
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("{0}, or leave github.as_remote out to look with Git")]
    NotOnGithub(#[source] GithubError),
    #[error(transparent)]
    Github(#[from] GithubError),
    #[error(
        "asking GitHub for the branch took more than {seconds} seconds: it is tried again later; check the network, or set remote.total_timeout_seconds",
        seconds = .0.as_secs()
    )]
    TooLong(Duration),
    #[error("cannot start asking GitHub: {0}; check this service's limits of files, tasks and memory")]
    Start(#[source] io::Error),
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<AskingError> for LookError {
    fn from(error: AskingError) -> Self {
        match error {
            AskingError::Github(error @ GithubError::NotOnGithub { .. }) => Self::NotOnGithub(error),
            AskingError::Github(error) => Self::Github(error),
            AskingError::TooLong(limit) => Self::TooLong(limit),
            AskingError::Start(error) => Self::Start(error),
        }
    }
}

/// The branch to follow, as it is to be connected to.
struct Tracked {
    url: String,
    /// Absent: the remote's default branch.
    branch: Option<String>,
}

/// The checkout.
pub(crate) fn checkout(config: &HostConfig, state: &StateDirectory) -> PathBuf {
    config.repository.path.clone().unwrap_or_else(|| state.repository_path())
}

/// Looks at the remote and records the answer, or that there was none. `known` is for GitHub only, where that is who is asked.
pub(crate) fn look(
    config: &HostConfig,
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
    known: &mut KnownAnswers,
) -> Result<RemoteCommit, LookError> {
    if config.github.as_remote {
        recorded(state, runtime, By::Agent, |previous, now| {
            on_github::ask(config, state, runtime, known, previous, now)
        })
    } else {
        recorded(state, runtime, By::Agent, |previous, now| by_git::ask(config, state, previous, now, By::Agent))
    }
}

/// The same by Git, whoever is asked elsewhere: afterwards the commit is in the store of what was fetched, or in the checkout.
pub(crate) fn fetch(
    config: &HostConfig,
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
) -> Result<RemoteCommit, LookError> {
    recorded(state, runtime, By::Pull, |previous, now| by_git::ask(config, state, previous, now, By::Pull))
}

/// Who looks: what a pull reached is no proof that the agent reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Agent,
    Pull,
}

/// What came of a look.
struct Answer {
    tip: Result<RemoteCommit, LookError>,
    /// Where GitHub was asked and said so: nothing may be asked there before.
    not_before: Option<Timestamp>,
}

/// Makes a look and records what came of it. The last good answer stays where there is no new one.
fn recorded(
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
    by: By,
    look: impl FnOnce(Option<&RemoteCommit>, Timestamp) -> Answer,
) -> Result<RemoteCommit, LookError> {
    state.share();
    // A record that cannot be read is one that is written anew.
    let previous = state.read_remote().ok().flatten();
    let now = Timestamp::now();
    let Answer { tip, not_before } = look(previous.as_ref(), now);
    // Before the attempt: whoever reads that it succeeded finds what it brought.
    let written = match &tip {
        Ok(tip) => state.write_remote_if(tip, |recorded| is_news(recorded, previous.as_ref(), tip)),
        Err(_) => Ok(()),
    };
    let recorded = runtime.add_remote_attempt(|before| {
        let attempt = match &tip {
            Ok(_) => RemoteAttempt::succeeded(before, now),
            Err(error) => RemoteAttempt::failed(before, now, error.to_string()),
        };
        let attempt = attempt.not_before(not_before);
        if by == By::Pull { attempt.of_pull() } else { attempt }
    });
    if let Err(error) = recorded {
        eprintln!("{error}");
    }
    let tip = tip?;
    written?;
    Ok(tip)
}

/// Whether the answer of a look that began when `previous` was recorded is to be written where `recorded` is by now. A tip that is
/// only confirmed is not written again: a host at rest leaves its disk alone. What a look found that began later is not
/// replaced by what the remote had before.
fn is_news(recorded: Option<&RemoteCommit>, previous: Option<&RemoteCommit>, tip: &RemoteCommit) -> bool {
    let Some(recorded) = recorded else { return true };
    if previous == Some(recorded) {
        return RemoteCommit { confirmed_at: tip.confirmed_at, ..recorded.clone() } != *tip;
    }
    let what = |commit: &RemoteCommit| (commit.url.clone(), commit.branch.clone(), commit.revision.clone());
    recorded.confirmed_at <= tip.confirmed_at && what(recorded) != what(tip)
}

/// What is followed: as configured, else as the checkout does by itself.
fn tracked(config: &HostConfig, state: &StateDirectory) -> Result<Tracked, LookError> {
    let repository = &config.repository;
    if let Some(url) = &repository.url {
        return Ok(Tracked { url: url.clone(), branch: repository.branch.clone() });
    }
    let tracked = git::tracked_remote(&checkout(config, state))?.ok_or(LookError::NotConfigured)?;
    Ok(Tracked { url: tracked.url, branch: repository.branch.clone().or(tracked.branch) })
}

/// The remote's address, as it is to be connected to.
pub(crate) fn url(config: &HostConfig, state: &StateDirectory) -> Result<String, LookError> {
    Ok(tracked(config, state)?.url)
}

/// A credential of the unit (`LoadCredential=NAME:FILE`, `LoadCredentialEncrypted=NAME:FILE`), where it has one of this name.
pub(crate) fn passed(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    file.exists().then_some(file)
}

#[cfg(test)]
mod tests;

//! One look at GitHub's open pull requests, with all that is recorded of it.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git;
use nixfleet_core::github::{GithubError, KnownAnswers, LockUpdateFilter};
use nixfleet_core::observation::{PullRequestAttempt, PullRequestList, PullRequestStatus, RemoteAttempt};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory, StateError};

use crate::github_asking::{self, AskingError};
use crate::remote::{self, LookError};

/// For all requests of one look together.
pub(crate) const LOOK_LIMIT: Duration = Duration::from_mins(2);

/// Why it is not known which pull requests are open, or not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullRequestError {
    #[error(transparent)]
    Remote(#[from] LookError),
    #[error(transparent)]
    Github(#[from] GithubError),
    #[error("asking GitHub for pull requests took more than {} seconds: it is tried again later", LOOK_LIMIT.as_secs())]
    TooLong,
    #[error("cannot start asking GitHub: {0}; check this service's limits of files, tasks and memory")]
    Start(#[source] std::io::Error),
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<AskingError> for PullRequestError {
    fn from(error: AskingError) -> Self {
        match error {
            AskingError::Github(error) => Self::Github(error),
            AskingError::TooLong(_) => Self::TooLong,
            AskingError::Start(error) => Self::Start(error),
        }
    }
}

/// Asks GitHub and records the answer, or that there was none. The last good answer stays where there is no new one.
///
/// Blocks: it is for a process beside the agent.
pub(crate) fn look(
    config: &HostConfig,
    state: &StateDirectory,
    runtime: &RuntimeDirectory,
    known: &mut KnownAnswers,
) -> Result<usize, PullRequestError> {
    let remote_url = remote::url(config, state)?;
    let shown = git::redact_url(&remote_url);
    let now = Timestamp::now();
    let previous = runtime.read_pull_request_attempt().ok().flatten().filter(|attempt| attempt.remote_url == shown);
    github_asking::respect_limit(known, runtime, &remote_url);
    // An answer that cannot be recorded is none: the record must not pass for a fresh one.
    let answer = ask(config, &remote_url, known, now).and_then(|list| {
        let list = PullRequestList { remote_url: Some(shown.clone()), ..list };
        Ok(record(state, list)?)
    });
    let before = previous.as_ref().map(|attempt| &attempt.attempt);
    let attempt = match &answer {
        Ok(_) => RemoteAttempt::succeeded(before, now),
        Err(error) => RemoteAttempt::failed(before, now, error.to_string()),
    };
    let attempt = PullRequestAttempt { attempt: attempt.not_before(known.not_before()), remote_url: shown };
    if let Err(error) = runtime.write_pull_request_attempt(&attempt) {
        eprintln!("{error}");
    }
    answer
}

/// Records the list where it is another one: a host at rest leaves its disk alone. The result is how many are open.
fn record(state: &StateDirectory, list: PullRequestList) -> Result<usize, StateError> {
    let open = list.open.len();
    // A record that cannot be read is one that is written anew.
    let recorded = state.read_pull_requests().ok().flatten();
    let is_known = recorded.is_some_and(|recorded| {
        let same = |known: &PullRequestList| known.open == list.open && known.remote_url == list.remote_url;
        recorded.error.is_none() && recorded.last_good.as_ref().is_some_and(same)
    });
    if !is_known {
        state.write_pull_requests(&PullRequestStatus { last_good: Some(list), error: None })?;
    }
    Ok(open)
}

fn ask(
    config: &HostConfig,
    remote_url: &str,
    known: &mut KnownAnswers,
    now: Timestamp,
) -> Result<PullRequestList, PullRequestError> {
    let github = &config.github;
    let filter = LockUpdateFilter {
        branch: config.repository.branch.clone(),
        title: github.pull_request_title.clone(),
        labels: github.pull_request_labels.clone(),
    };
    let found = github_asking::ask(config, remote_url, LOOK_LIMIT, async |client| {
        client.open_lock_updates(&filter, known, now).await
    })?;
    if found.left_for_the_next_look > 0 {
        tracing::info!("{} more pull requests are looked into next time", found.left_for_the_next_look);
    }
    Ok(found.list)
}

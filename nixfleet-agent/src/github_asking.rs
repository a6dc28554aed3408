//! Asking GitHub about the repository that a remote's address names, in a runtime of its own. Blocks: it is for a process
//! beside the agent.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git;
use nixfleet_core::github::{GithubClient, GithubError, GithubRepository, KnownAnswers, Limits, Token};
use nixfleet_core::state_directory::RuntimeDirectory;

use crate::remote;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskingError {
    Github(GithubError),
    /// After this limit.
    TooLong(Duration),
    Start(io::Error),
}

impl From<GithubError> for AskingError {
    fn from(error: GithubError) -> Self {
        Self::Github(error)
    }
}

/// Asks, for all requests together no longer than `limit`.
pub(crate) fn ask<T>(
    config: &HostConfig,
    remote_url: &str,
    limit: Duration,
    asking: impl AsyncFnOnce(&GithubClient) -> Result<T, GithubError>,
) -> Result<T, AskingError> {
    let repository = GithubRepository::of_remote(remote_url, config.github.api_url.as_deref())?;
    let token = token(config, remote_url, remote::passed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AskingError::Start)?;
    let answer = runtime.block_on(async {
        let client = GithubClient::new(repository, token.as_ref(), Limits::default())?;
        let answer = tokio::time::timeout(limit, asking(&client)).await;
        Ok(answer.map_err(|_| AskingError::TooLong(limit))??)
    });
    // A name that is still being resolved is not waited for.
    runtime.shutdown_background();
    answer
}

/// What either look at GitHub was told of its limit of requests holds for both: the token is the same.
pub(crate) fn respect_limit(known: &mut KnownAnswers, runtime: &RuntimeDirectory, remote_url: &str) {
    let shown = git::redact_url(remote_url);
    let branch = runtime.read_remote_attempt().ok().flatten();
    let pull_requests = runtime.read_pull_request_attempt().ok().flatten();
    let pull_requests = pull_requests.filter(|attempt| attempt.remote_url == shown).map(|attempt| attempt.attempt);
    for until in [branch, pull_requests].into_iter().flatten().filter_map(|attempt| attempt.not_before) {
        known.ask_not_before(until);
    }
}

/// How long until GitHub allows the next request.
pub(crate) fn allowed_in(not_before: Option<Timestamp>) -> Duration {
    let pause = not_before.map(|at| at.duration_since(Timestamp::now()));
    pause.and_then(|pause| Duration::try_from(pause).ok()).unwrap_or_default()
}

/// The token that the configuration names for GitHub, else the one that systemd passes, else the repository's own where it
/// is one for https: the same server takes it. `passed` finds a credential of the agent's unit by its name.
pub(crate) fn token(
    config: &HostConfig,
    remote_url: &str,
    passed: impl Fn(&str) -> Option<PathBuf>,
) -> Result<Option<Token>, GithubError> {
    let is_https = remote_url.trim().to_ascii_lowercase().starts_with("https://");
    let for_repository = || config.repository.token_file.clone().or_else(|| passed("token"));
    let path = config.github.token_file.clone().or_else(|| passed("github-token"));
    path.or_else(|| for_repository().filter(|_| is_https)).map(|path| Token::read(&path)).transpose()
}

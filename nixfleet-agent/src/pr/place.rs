//! Which repository is meant, and who asks.

use std::path::{Path, PathBuf};

use nixfleet_core::config::{self, HostConfig};
use nixfleet_core::git;
use nixfleet_core::github::{GithubClient, GithubError, GithubRepository, Limits, LockUpdateFilter, Token};
use nixfleet_core::state_directory::StateDirectory;

use super::token::OwnedToken;
use super::{PrError, block_on};
use crate::arguments::PrPlaceArguments;
use crate::{CommandError, remote};

/// The repository on a Git remote, and what this machine has of it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) remote_url: String,
    pub(super) branch: Option<String>,
    pub(super) checkout: PathBuf,
    /// Of this host, where it follows this very remote.
    pub(super) host: Option<HostConfig>,
    token: OwnedToken,
    api_url: Option<String>,
    filter: LockUpdateFilter,
}

impl Place {
    pub(super) fn find(arguments: &PrPlaceArguments) -> Result<Self, CommandError> {
        let config_path = &arguments.places.config;
        let config = if config_path.exists() { Some(config::read(config_path)?) } else { None };
        let state = StateDirectory::new(&arguments.places.state_directory);
        let (remote_url, branch, checkout) = match (&arguments.path, &config) {
            (Some(path), _) => followed(path)?,
            (None, Some(config)) => {
                // The checkout belongs to the user nixfleet, and is only read.
                git::allow_foreign_owner();
                let url = remote::url(config, &state).map_err(|error| CommandError::Repository(error.to_string()))?;
                let checkout = remote::checkout(config, &state);
                let tracked = || git::tracked_remote(&checkout).ok().flatten().and_then(|tracked| tracked.branch);
                (url, config.repository.branch.clone().or_else(tracked), checkout)
            }
            (None, None) => return Err(PrError::NoPlace { config: config_path.clone() }.into()),
        };
        let is_of_host = |config: &HostConfig| {
            remote::url(config, &state).is_ok_and(|url| git::redact_url(&url) == git::redact_url(&remote_url))
        };
        let host = config.filter(is_of_host);
        let github = host.as_ref().map(|host| host.github.clone()).unwrap_or_default();
        let token = OwnedToken::find(arguments.token_file.as_deref(), host.as_ref(), &remote_url)?;
        let branch = arguments.branch.clone().or(branch);
        let filter = LockUpdateFilter {
            branch: branch.clone(),
            title: github.pull_request_title,
            labels: github.pull_request_labels,
        };
        let api_url = arguments.api_url.clone().or(github.api_url);
        Ok(Self { remote_url, branch, checkout, host, token, api_url, filter })
    }

    /// Asks GitHub. Where it refuses, whose token that was, or why there was none, is said, too.
    pub(super) fn ask_github<T>(
        &self,
        question: impl AsyncFnOnce(GithubClient) -> Result<T, GithubError>,
    ) -> Result<T, PrError> {
        block_on(async {
            let repository = GithubRepository::of_remote(&self.remote_url, self.api_url.as_deref())?;
            let client = GithubClient::new(repository, self.token.present(), Limits::default())?;
            question(client).await.map_err(|refusal| self.token.explain(refusal))
        })
    }

    /// A token that was given for this very call: it is git's, too.
    pub(super) fn given_token(&self) -> Option<&Token> {
        self.token.given()
    }

    pub(super) const fn filter(&self) -> &LockUpdateFilter {
        &self.filter
    }

    /// For people.
    pub(super) fn shown_url(&self) -> String {
        git::redact_url(&self.remote_url)
    }
}

fn followed(path: &Path) -> Result<(String, Option<String>, PathBuf), PrError> {
    if !path.exists() {
        return Err(PrError::NothingThere { path: path.to_owned() });
    }
    let tracked = git::tracked_remote(path)?.ok_or_else(|| PrError::NoRemote { path: path.to_owned() })?;
    Ok((tracked.url, tracked.branch, path.to_owned()))
}

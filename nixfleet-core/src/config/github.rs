//! How GitHub is asked for open pull requests, and for the tip of the tracked branch.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How GitHub is asked for open pull requests that update `flake.lock`, and for the tip of the tracked branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GithubConfig {
    /// Whether GitHub is asked at all. Default: no.
    pub enable: bool,
    /// Whether the agent looks at the tracked branch through GitHub's API too, instead of fetching it with Git: its tip, and
    /// the `flake.lock` of that commit. A pull fetches with Git all the same. Default: no.
    pub as_remote: bool,
    /// A file with the token. Never the token itself: this configuration is readable by all. Default: the credential
    /// `github-token` of the unit, else the token for the repository where that is reached over https, else none.
    pub token_file: Option<PathBuf>,
    /// The address of the API. Default: the one that belongs to the remote's address, on github.com or GitHub Enterprise.
    pub api_url: Option<String>,
    /// Only pull requests with this in their title count. Default: any title; what counts is that only `flake.lock` changes.
    pub pull_request_title: Option<String>,
    /// Only pull requests with all of these labels count. Default: any. Pull requests from forks, which anybody can open,
    /// count only where labels are named here.
    pub pull_request_labels: Vec<String>,
    /// GitHub is asked this often, give or take a tenth, or up to a fifth sooner together with a look at the remote. Default: 300.
    pub interval_seconds: u64,
}

impl Default for GithubConfig {
    fn default() -> Self {
        Self {
            enable: false,
            as_remote: false,
            token_file: None,
            api_url: None,
            pull_request_title: None,
            pull_request_labels: Vec::new(),
            interval_seconds: 300,
        }
    }
}

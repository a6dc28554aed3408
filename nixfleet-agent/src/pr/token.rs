//! Whose token GitHub is asked with.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};

use nixfleet_core::config::HostConfig;
use nixfleet_core::github::{GithubError, Token};

use super::{PrError, block_on};
use crate::daemon::systemd::Systemd;
use crate::{github_asking, remote};

/// The variables that GitHub's own programs take a token from, as these have it: the first one counts.
const TOKEN_VARIABLES: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];

/// The unit that has the host's own token as a credential.
const AGENT_UNIT: &str = "nixfleet-agent.service";

const OWN_TOKEN: &str = "for one of your own say GITHUB_TOKEN=$(gh auth token) or --token-file FILE";

/// A token, and whose it is.
#[derive(Debug)]
pub(super) enum OwnedToken {
    /// Given for this very call.
    Given(Token),
    /// That of the host.
    OfHost(Token),
    /// None; why that of the host is not used, where it has one.
    Absent(Option<GithubError>),
}

impl OwnedToken {
    /// The file that was named, else the environment, else that of the host that follows this remote.
    pub(super) fn find(file: Option<&Path>, host: Option<&HostConfig>, remote_url: &str) -> Result<Self, PrError> {
        if let Some(path) = file {
            return Ok(Self::Given(Token::read(path)?));
        }
        for name in TOKEN_VARIABLES {
            if let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) {
                let token = value.to_str().and_then(Token::new).ok_or(PrError::TokenVariable(name))?;
                return Ok(Self::Given(token));
            }
        }
        let Some(host) = host else { return Ok(Self::Absent(None)) };
        let of_unit = LazyCell::new(credentials_of_agent);
        let of_unit =
            |name: &str| of_unit.iter().find(|credential| credential.0 == name).map(|it| PathBuf::from(&it.1));
        let passed = |name: &str| remote::passed(name).or_else(|| of_unit(name));
        Ok(match github_asking::token(host, remote_url, passed) {
            Ok(Some(token)) => Self::OfHost(token),
            Ok(None) => Self::Absent(None),
            // It may be for root only: then a public repository is read without one.
            Err(error) => Self::Absent(Some(error)),
        })
    }

    /// What is sent to GitHub.
    pub(super) const fn present(&self) -> Option<&Token> {
        match self {
            Self::Given(token) | Self::OfHost(token) => Some(token),
            Self::Absent(_) => None,
        }
    }

    /// One that was given for this very call.
    pub(super) const fn given(&self) -> Option<&Token> {
        if let Self::Given(token) = self { Some(token) } else { None }
    }

    /// The refusal, with what only this side knows of the token.
    pub(super) fn explain(&self, refusal: GithubError) -> PrError {
        let hint = match (self, &refusal) {
            (
                Self::Absent(Some(problem)),
                GithubError::TokenNeeded { .. } | GithubError::LimitReached { with_token: false, .. },
            ) => format!("that of this host is not used ({problem}): try with sudo; {OWN_TOKEN}"),
            (
                Self::OfHost(_),
                GithubError::NotAllowed { .. } | GithubError::TokenRefused { .. } | GithubError::NotFound { .. },
            ) => format!("this was the token of this host; {OWN_TOKEN}"),
            _ => return refusal.into(),
        };
        PrError::Token { refusal, hint }
    }
}

/// Names and files, as the unit has them: whoever may read such a file needs no copy that systemd makes for the agent.
/// None where there is no systemd, or no such unit. What is encrypted there is of no use to anybody else.
fn credentials_of_agent() -> Vec<(String, String)> {
    let asked = block_on(async {
        let Ok(systemd) = Systemd::connect(None).await else { return Ok(None) };
        Ok(systemd.start_of(AGENT_UNIT).await.ok().flatten())
    });
    asked.ok().flatten().map(|start| start.credentials).unwrap_or_default()
}

//! Which branch of which remote is observed, and how long that may take.

use std::fmt;
use std::time::Duration;

use super::Credentials;
use crate::git::redact_url;

/// The branch to observe, and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteSource {
    /// The address. One that holds a password is understood; the password is shown and stored nowhere.
    pub url: String,
    /// The branch, without `refs/heads/`; absent for the one that the remote's HEAD is on.
    pub branch: Option<String>,
    /// Who we are there, and whom we trust.
    pub credentials: Credentials,
    /// How long it may take.
    pub timeouts: Timeouts,
}

impl RemoteSource {
    /// A source with no credentials and the default limits.
    #[must_use]
    pub fn new(url: impl Into<String>, branch: Option<String>) -> Self {
        Self { url: url.into(), branch, credentials: Credentials::default(), timeouts: Timeouts::default() }
    }
}

impl fmt::Debug for RemoteSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RemoteSource")
            .field("url", &redact_url(&self.url))
            .field("branch", &self.branch)
            .field("credentials", &self.credentials)
            .field("timeouts", &self.timeouts)
            .finish()
    }
}

/// How long looking at a remote may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands: over http(s) for all addresses of the host together, else for each.
    pub connect: Duration,
    /// Without a byte from the server.
    pub idle: Duration,
    /// For the whole, a first fetch included.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 20 seconds to connect, a minute of silence, ten minutes in all.
    fn default() -> Self {
        Self { connect: Duration::from_secs(20), idle: Duration::from_mins(1), total: Duration::from_mins(10) }
    }
}

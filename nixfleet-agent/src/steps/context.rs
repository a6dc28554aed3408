//! What every step knows: the configuration, the places, and which run of which unit it is.

use std::path::PathBuf;

use nixfleet_core::config::{self, HostConfig};
use nixfleet_core::git::{Credentials, RemoteSource, Timeouts};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};

use super::Arguments;

pub(super) struct Context {
    pub(super) config: HostConfig,
    pub(super) state: StateDirectory,
    pub(super) runtime: RuntimeDirectory,
    pub(super) unit: String,
    pub(super) invocation_id: String,
}

/// Why a step cannot even begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContextError {
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error("this step is run by systemd ($INVOCATION_ID is not set): use `systemctl start {0}`")]
    NotAUnit(String),
}

impl Context {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, ContextError> {
        Ok(Self {
            config: config::read(&arguments.config)?,
            state: StateDirectory::new(&arguments.state_directory),
            runtime: RuntimeDirectory::new(&arguments.runtime_directory),
            unit: arguments.unit.clone(),
            invocation_id: std::env::var("INVOCATION_ID")
                .ok()
                .filter(|id| !id.is_empty())
                .ok_or_else(|| ContextError::NotAUnit(arguments.unit.clone()))?,
        })
    }

    /// The checkout.
    pub(super) fn repository(&self) -> PathBuf {
        self.config.repository.path.clone().unwrap_or_else(|| self.state.repository_path())
    }

    /// The tracked branch at `url`, with the credentials that the configuration names, else those that systemd passes.
    pub(super) fn source(&self, url: String, branch: Option<String>) -> RemoteSource {
        let repository = &self.config.repository;
        let limits = &self.config.remote;
        let seconds = std::time::Duration::from_secs;
        RemoteSource {
            url,
            branch,
            credentials: Credentials {
                token_file: repository.token_file.clone().or_else(|| passed("token")),
                username: repository.username.clone(),
                ssh_key_file: repository.ssh_key_file.clone().or_else(|| passed("ssh-key")),
                known_hosts_file: repository.known_hosts_file.clone().or_else(|| passed("known-hosts")),
            },
            timeouts: Timeouts {
                connect: seconds(limits.connect_timeout_seconds),
                idle: seconds(limits.idle_timeout_seconds),
                total: seconds(limits.total_timeout_seconds),
            },
        }
    }
}

/// A credential of the unit (`LoadCredential=NAME:FILE`), where it has one of this name.
fn passed(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    file.exists().then_some(file)
}

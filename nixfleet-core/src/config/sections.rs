//! The sections of the configuration, with their defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CalendarWindow, ConfirmConfig, GithubConfig, SignaturesConfig};
use crate::observation::InferenceSettings;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostConfig {
    /// The host's name in the flake (`nixosConfigurations.NAME`). Default: the kernel's host name.
    pub host: Option<String>,
    /// The configuration repository.
    pub repository: RepositoryConfig,
    /// How the remote is read, and when it counts as unreadable.
    pub remote: RemoteConfig,
    /// The agent.
    pub agent: AgentConfig,
    /// Whether a switch has to be confirmed.
    pub confirm: ConfirmConfig,
    /// Open pull requests on GitHub.
    pub github: GithubConfig,
    /// The host's own tests.
    pub tests: TestsConfig,
}

/// The configuration repository and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryConfig {
    /// The remote's address. Default: that of the checkout's own upstream.
    pub url: Option<String>,
    /// The tracked branch. Default: that of the checkout's own upstream, else the remote's HEAD.
    pub branch: Option<String>,
    /// The checkout. Default: `repo` in the state directory, which nixfleet itself owns.
    pub path: Option<PathBuf>,
    /// Whose checkout it is: pull and build run as this user. Default: `nixfleet`.
    pub user: Option<String>,
    /// Whose signatures the pulled commits have to carry. Default: nobody's.
    pub signatures: SignaturesConfig,
    /// Whether a branch that was rewritten on the remote (a forced push) is taken. Default: no, it is an error.
    pub allow_rewritten_branch: bool,
    /// A file with the token for https. Never the token itself: this configuration is readable by all.
    pub token_file: Option<PathBuf>,
    /// The user's name that goes with the token.
    pub username: Option<String>,
    /// A file with the private key for ssh.
    pub ssh_key_file: Option<PathBuf>,
    /// A file with the ssh host keys that are trusted, in the format of `known_hosts`. Default: those of OpenSSH.
    pub known_hosts_file: Option<PathBuf>,
}

impl RepositoryConfig {
    /// The user that nixfleet itself runs as.
    pub const OWN_USER: &str = "nixfleet";

    /// Whose checkout it is, where it is not nixfleet's own.
    #[must_use]
    pub fn foreign_user(&self) -> Option<&str> {
        self.user.as_deref().filter(|user| *user != Self::OWN_USER)
    }
}

/// How the remote is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteConfig {
    /// The remote counts as unreadable after so many failures in a row …
    pub grace_tries: u32,
    /// … that go on for at least so long.
    pub grace_seconds: u64,
    /// Limit for a connection to come about.
    pub connect_timeout_seconds: u64,
    /// Limit for silence on a connection.
    pub idle_timeout_seconds: u64,
    /// Limit for the whole of one look at the remote.
    pub total_timeout_seconds: u64,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        let settings = InferenceSettings::default();
        Self {
            grace_tries: settings.remote_grace_tries,
            grace_seconds: settings.remote_grace.as_secs(),
            connect_timeout_seconds: 15,
            idle_timeout_seconds: 30,
            total_timeout_seconds: 300,
        }
    }
}

/// The agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// An agent without a sign of life for longer is silent.
    pub heartbeat_deadline_seconds: u64,
    /// The remote is looked at this often, give or take a tenth, or up to a fifth sooner where GitHub is asked then. Default: 300.
    pub interval_seconds: u64,
    /// What the agent starts by itself.
    pub policy: PolicyConfig,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            heartbeat_deadline_seconds: InferenceSettings::default().heartbeat_deadline.as_secs(),
            interval_seconds: 300,
            policy: PolicyConfig::default(),
        }
    }
}

/// What the agent starts by itself. Without a word of the administrator it changes nothing on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// Pull, when the remote has new commits. Default: off.
    pub pull: Automatic,
    /// Switch, when a pulled commit is not deployed yet. Default: off.
    pub switch: Automatic,
    /// Run the tests after a deployment, whoever started it. Default: yes; a host without tests is not concerned.
    pub test_after_switch: bool,
    /// Roll back when the tests fail after a switch, whoever started it, once per commit. Default: no.
    pub rollback_when_tests_fail: bool,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self { pull: Automatic::Off, switch: Automatic::Off, test_after_switch: true, rollback_when_tests_fail: false }
    }
}

/// Whether the agent starts an operation by itself: `"off"`, `"on"` or `{"window": "Mon..Fri 02:00-05:00"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automatic {
    /// Never.
    Off,
    /// At any time.
    On,
    /// When the window is open.
    Window(CalendarWindow),
}

/// The host's own tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestsConfig {
    /// Whether tests are wanted at all.
    pub enable: bool,
    /// The directory in the repository that holds the test executables. Default: `hosts/HOST/tests`.
    pub directory: Option<PathBuf>,
    /// Limit for each single test.
    pub timeout_seconds: u64,
    /// The user that the tests run as. Default: [`TestsConfig::OWN_USER`].
    pub user: Option<String>,
}

impl TestsConfig {
    /// The user that nixfleet brings for the tests.
    pub const OWN_USER: &str = "nixfleet-test";

    /// The user that the tests run as.
    #[must_use]
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or(Self::OWN_USER)
    }
}

impl Default for TestsConfig {
    fn default() -> Self {
        Self { enable: true, directory: None, timeout_seconds: 120, user: None }
    }
}

impl HostConfig {
    /// The bounds for the inference.
    #[must_use]
    pub const fn inference_settings(&self) -> InferenceSettings {
        InferenceSettings {
            heartbeat_deadline: Duration::from_secs(self.agent.heartbeat_deadline_seconds),
            remote_grace_tries: self.remote.grace_tries,
            remote_grace: Duration::from_secs(self.remote.grace_seconds),
        }
    }

    /// The host's name: configured, else the kernel's, else `localhost`.
    #[must_use]
    pub fn host_name(&self) -> String {
        self.host.clone().unwrap_or_else(|| {
            let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
            if name.is_empty() { "localhost".to_owned() } else { name }
        })
    }

    /// The directory of the host's tests, relative to the repository.
    #[must_use]
    pub fn tests_directory(&self) -> PathBuf {
        self.tests.directory.clone().unwrap_or_else(|| Path::new("hosts").join(self.host_name()).join("tests"))
    }
}

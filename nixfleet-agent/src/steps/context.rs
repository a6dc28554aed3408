//! What every step knows: the configuration, the places, and which run of which unit it is.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nixfleet_core::config::{self, ConfigError, HostConfig};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};

use super::{Arguments, Step};
use crate::remote;

pub(super) struct Context {
    /// The configuration's file, which a switch may replace.
    pub(super) config_path: PathBuf,
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
    Config(#[from] ConfigError),
    #[error("this step is run by systemd ($INVOCATION_ID is not set): use `systemctl start {0}`")]
    NotAUnit(String),
}

impl Context {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, ContextError> {
        Ok(Self {
            config_path: arguments.config.clone(),
            config: config_for(&arguments.step, &arguments.config)?,
            state: StateDirectory::new(&arguments.state_directory),
            runtime: RuntimeDirectory::new(&arguments.runtime_directory),
            unit: arguments.unit(),
            invocation_id: said_by_systemd("INVOCATION_ID")
                .filter(|id| !id.is_empty())
                .ok_or_else(|| ContextError::NotAUnit(arguments.unit()))?,
        })
    }

    /// Refuses to touch a checkout as anybody but its owner. In a repository of the user's own, nothing must belong to others
    /// afterwards.
    pub(super) fn check_user(&self) -> Result<(), String> {
        let Some(user) = self.config.repository.foreign_user() else { return Ok(()) };
        // systemd sets it from the unit's User=.
        let runs_as = std::env::var("USER").unwrap_or_default();
        if runs_as != user || rustix::process::geteuid().is_root() {
            let runs_as = if runs_as.is_empty() { "root".to_owned() } else { runs_as };
            return Err(format!(
                "{} runs as {runs_as}, and the repository is {user}'s (repository.user): install the unit's drop-in for a \
                 repository of the user's own",
                self.unit
            ));
        }
        let path = self.repository();
        let is_foreign = |metadata: std::fs::Metadata| metadata.uid() != rustix::process::geteuid().as_raw();
        if path.metadata().is_ok_and(is_foreign) {
            return Err(format!(
                "{} does not belong to {user}: name its owner in repository.user, or give it to {user}",
                path.display()
            ));
        }
        Ok(())
    }

    /// The checkout.
    pub(super) fn repository(&self) -> PathBuf {
        remote::checkout(&self.config, &self.state)
    }
}

/// The configuration. What goes back, and what tells how a run ended, does without it: a configuration that is not valid, or
/// one that belongs to another nixfleet, is a reason to go back, and never one that is in the way.
fn config_for(step: &Step, path: &Path) -> Result<HostConfig, ConfigError> {
    config::read(path).or_else(|error| match step {
        Step::FallBack | Step::Rollback { .. } | Step::Record { .. } => {
            eprintln!("{error}; this step does without it");
            Ok(HostConfig::default())
        }
        Step::Run
        | Step::CheckConfig
        | Step::Look { .. }
        | Step::Pull
        | Step::Build
        | Step::Activate { .. }
        | Step::Test => Err(error),
    })
}

/// A variable of this run; of the run that failed where this is the unit of an `OnFailure=` (systemd.exec(5), `$MONITOR_*`).
pub(super) fn said_by_systemd(variable: &str) -> Option<String> {
    std::env::var(format!("MONITOR_{variable}")).or_else(|_| std::env::var(variable)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::{Action, RecordedOperation};

    #[test]
    fn a_configuration_that_is_not_valid_does_not_keep_a_host_from_going_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, r#"{ "host": "web1", "key_of_another_nixfleet": 1 }"#).unwrap();
        let missing = directory.path().join("missing.json");
        for (step, goes_on) in [
            (Step::FallBack, true),
            (Step::Rollback { generation: None }, true),
            (Step::Record { operation: RecordedOperation::Switch }, true),
            (Step::Pull, false),
            (Step::Build, false),
            (Step::Activate { action: Action::Switch }, false),
            (Step::Test, false),
            (Step::Run, false),
        ] {
            for path in [&path, &missing] {
                assert_eq!(config_for(&step, path).is_ok(), goes_on, "{step:?} {}", path.display());
            }
        }
        std::fs::write(&path, r#"{ "host": "web1" }"#).unwrap();
        assert_eq!(config_for(&Step::FallBack, &path).unwrap().host.as_deref(), Some("web1"));
    }
}

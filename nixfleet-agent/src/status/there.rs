//! The status of another host.

use nixfleet_core::model::HostStatus;
use tokio::runtime::Runtime;

use crate::CommandError;
use crate::arguments::{HostArguments, Places};
use crate::operate::OperateError;
use crate::progress::with_progress;
use crate::ssh::SshDestination;
use crate::target::Target;

/// A connection to another host, over which its status is asked again and again.
#[derive(Debug)]
pub(super) struct There {
    runtime: Runtime,
    target: Target,
}

impl There {
    pub(super) fn reach(host: &SshDestination, arguments: &HostArguments) -> Result<Self, CommandError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(OperateError::Start)?;
        let places = Places {
            config: arguments.config.clone(),
            state_directory: arguments.state_directory.clone(),
            runtime_directory: arguments.runtime_directory.clone(),
        };
        let connecting = || runtime.block_on(Target::reach(Some(host), &places));
        let target = with_progress(&format!("connecting to {host}"), connecting)?;
        Ok(Self { runtime, target })
    }

    /// Its states now; a connection that was lost since the last look is made anew.
    pub(super) fn status(&mut self) -> Result<HostStatus, CommandError> {
        let Self { runtime, target } = self;
        runtime.block_on(target.status_again())
    }
}

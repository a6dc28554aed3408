//! `nixfleet logs`.

use std::os::unix::process::CommandExt as _;

use nixfleet_core::observation::Operation;

use super::run_record::last_run;
use super::{OperateError, block_on, interrupted, reach};
use crate::Outcome;
use crate::arguments::LogsArguments;
use crate::daemon::signals::Signals;
use crate::ssh::{SshDestination, SshError};

/// Becomes journalctl, with the lines of the last run of the operation.
pub(crate) fn logs(arguments: &LogsArguments, host: Option<&SshDestination>) -> Result<Outcome, OperateError> {
    let operation: Operation = arguments.operation.into();
    block_on(async {
        let mut signals = Signals::listen().map_err(OperateError::Start)?;
        let target = reach(host, &arguments.places, &mut signals).await?;
        let entries = interrupted(target.journal(), target.call("status"), &mut signals).await?;
        let never = || OperateError::NeverRan { operation, command: target.call(operation.name()) };
        let invocation_id = last_run(&entries, operation).ok_or_else(never)?;
        // What the unit wrote, or what systemd wrote of it.
        let by_unit = format!("_SYSTEMD_INVOCATION_ID={invocation_id}");
        let by_systemd = format!("INVOCATION_ID={invocation_id}");
        let mut words = if arguments.follow { vec!["--follow", "--lines=all"] } else { Vec::new() };
        words.extend(arguments.json.then_some("--output=json"));
        words.extend([&by_unit, "+", &by_systemd]);
        let mut command = target.programs().command("journalctl", &words);
        if target.destination().is_none() {
            return Err(OperateError::NoJournalctl(command.exec()));
        }
        let mut journalctl = tokio::process::Command::from(command);
        let child = journalctl.kill_on_drop(true).status();
        let ended = tokio::select! {
            ended = child => ended.map_err(SshError::NoSsh)?,
            _ = signals.next() => return Ok(Outcome::Detached),
        };
        Ok(if ended.success() { Outcome::Done } else { Outcome::Failed })
    })
}

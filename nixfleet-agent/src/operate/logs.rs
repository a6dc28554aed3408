//! `nixfleet logs`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nixfleet_core::observation::Operation;
use nixfleet_core::state_directory::StateDirectory;

use super::OperateError;
use super::run_record::last_run;
use crate::Outcome;
use crate::arguments::LogsArguments;

/// Becomes journalctl, with the lines of the last run of the operation.
pub(crate) fn logs(arguments: &LogsArguments) -> Result<Outcome, OperateError> {
    let operation: Operation = arguments.operation.into();
    let state = StateDirectory::new(&arguments.places.state_directory);
    let entries = state.journal().read()?.entries;
    let invocation_id = last_run(&entries, operation).ok_or(OperateError::NeverRan(operation))?;
    let mut command = Command::new("journalctl");
    if arguments.follow {
        command.args(["--follow", "--lines=all"]);
    }
    // What the unit wrote, or what systemd wrote of it.
    command.arg(format!("_SYSTEMD_INVOCATION_ID={invocation_id}"));
    command.args(["+".to_owned(), format!("INVOCATION_ID={invocation_id}")]);
    Err(OperateError::NoJournalctl(command.exec()))
}

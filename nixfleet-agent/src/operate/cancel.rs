//! `nixfleet cancel`.

use std::time::Duration;

use nixfleet_core::observation::Operation;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::unit::operation_of;
use super::{OperateError, block_on, interrupted, reach};
use crate::arguments::{CancelArguments, Places};
use crate::daemon::signals::Signals;
use crate::daemon::systemd::SystemdError;
use crate::ssh::SshDestination;
use crate::standard_output::print_json;
use crate::target::Target;
use crate::{CommandError, Outcome};

const POLL: Duration = Duration::from_millis(100);
/// systemd kills what does not end within `TimeoutStopSec=`: a switch that goes back has 5 minutes for that.
const LIMIT: Duration = Duration::from_mins(6);

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    /// The units that ran, and run no more.
    stopped: Vec<String>,
}

/// Stops the running operations, or only this one, and waits for their end.
pub(crate) fn cancel(arguments: &CancelArguments, host: Option<&SshDestination>) -> Result<Outcome, CommandError> {
    let wanted: Option<Operation> = arguments.operation.map(Into::into);
    let stopped = block_on(async {
        let mut signals = Signals::listen().map_err(OperateError::Start)?;
        let target = reach(host, &Places::default(), &mut signals).await?;
        interrupted(cancel_on(wanted, &target), target.call("status"), &mut signals).await
    })?;
    if arguments.json {
        print_json(&Report { stopped })?;
    }
    Ok(Outcome::Done)
}

/// The units that ran.
async fn cancel_on(wanted: Option<Operation>, target: &Target) -> Result<Vec<String>, OperateError> {
    let command = wanted.map_or_else(|| "cancel".to_owned(), |operation| format!("cancel {operation}"));
    let told = |unit: &str, error: SystemdError| OperateError::of_systemd(&error, "stop", unit, target, &command);
    let systemd = target.systemd().await.map_err(|error| told("", error))?;
    let busy = || async { systemd.busy_units().await.map_err(|error| told("nixfleet-*", error)) };
    let is_wanted = |unit: &String| wanted.is_none_or(|operation| operation_of(unit) == Some(operation));
    let units: Vec<String> = busy().await?.into_iter().filter(is_wanted).collect();
    if units.is_empty() {
        let what = wanted.map_or_else(|| "no operation".to_owned(), |operation| format!("no {operation}"));
        return Err(OperateError::NothingRuns(format!("{what} runs")));
    }
    for unit in &units {
        match systemd.stop(unit).await.map_err(|error| told(unit, error)) {
            // It ended by itself meanwhile, and systemd has forgotten it.
            Ok(()) | Err(OperateError::NoUnit { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let begin = Instant::now();
    loop {
        let still = busy().await?;
        let Some(unit) = units.iter().find(|unit| still.contains(unit)) else { break };
        if begin.elapsed() > LIMIT {
            return Err(OperateError::StillRuns(unit.clone()));
        }
        sleep(POLL).await;
    }
    for unit in &units {
        anstream::eprintln!("{unit} runs no more");
    }
    Ok(units)
}

//! Start the unit of an operation, and learn which run of it that is.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::OperateError;
use super::run_record::{new_run, runs_of_unit};
use crate::daemon::systemd::{Systemd, SystemdError};
use crate::target::Target;

const POLL: Duration = Duration::from_millis(50);

/// A run that is there.
#[derive(Debug)]
pub(super) struct StartedRun {
    pub(super) invocation_id: String,
    /// Somebody else had started it.
    pub(super) was_running: bool,
}

/// Starts this unit, or finds the run that is under way. `command` is what to say again with more rights.
pub(super) async fn start(unit: &str, target: &Target, command: &str) -> Result<StartedRun, OperateError> {
    let told = |error: SystemdError| OperateError::of_systemd(&error, "start", unit, target, command);
    let systemd = target.systemd().await.map_err(told)?;
    let (before, known) = loop {
        // Read before systemd is asked: what is in it is over by then, or is the run that systemd has. Read later it may hold
        // a run that began in between, which the start joins and which is then no new one.
        let before: BTreeSet<String> =
            runs_of_unit(&target.journal().await?, unit).into_iter().map(str::to_owned).collect();
        let known = systemd.unit_state(unit).await.map_err(told)?;
        if known.active_state == "activating" && !known.invocation_id.is_empty() {
            return Ok(StartedRun { invocation_id: known.invocation_id, was_running: true });
        }
        // A run that records its end still holds the job that started it: systemd would take this start for the same.
        if !is_busy(&systemd, unit).await.map_err(told)? {
            break (before, known);
        }
        sleep(POLL).await;
    };
    systemd.start(unit).await.map_err(told)?;
    let feed = target.journal_feed()?;
    let mut at_rest_since = None;
    loop {
        // Asked first: what is at rest by now has written what it writes.
        let is_busy = is_busy(&systemd, unit).await.map_err(told)?;
        let now = systemd.unit_state(unit).await.map_err(told)?;
        if !now.invocation_id.is_empty() && now.invocation_id != known.invocation_id {
            return Ok(StartedRun { invocation_id: now.invocation_id, was_running: false });
        }
        if is_busy {
            at_rest_since = None;
        } else if let Some(invocation_id) = new_run(&feed.entries()?, unit, &before) {
            // systemd forgets a unit that ended well, and with it which run that was.
            return Ok(StartedRun { invocation_id, was_running: false });
        } else if at_rest_since.get_or_insert_with(Instant::now).elapsed() > target.lag() {
            // A unit that is over and said nothing gets so long to be found in the journal of operations.
            return Err(OperateError::NothingRan { unit: unit.to_owned(), result: explained(now.result) });
        }
        sleep(POLL).await;
    }
}

/// Whether it runs, ends, or has a job.
async fn is_busy(systemd: &Systemd, unit: &str) -> Result<bool, SystemdError> {
    Ok(systemd.busy_units().await?.iter().any(|busy| busy == unit))
}

/// systemd's result, with what it means where nobody can guess it.
fn explained(result: String) -> String {
    if result == "start-limit-hit" {
        "start-limit-hit: it was started too often within seconds, wait 10 seconds and try again".to_owned()
    } else {
        result
    }
}

//! Follow a run to its end. The journal of operations is the truth; systemd says only whether the run is still there.
//!
//! No bus is needed for it: it goes away and comes back while a system is activated.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::Age;
use nixfleet_core::observation::Operation;
use nixfleet_core::state_directory::{StateDirectory, live_invocations};
use tokio::time::{Instant, sleep};

use super::OperateError;
use super::run_record::RunRecord;
use super::terminal::Terminal;
use super::unit_journal::UnitJournal;
use crate::daemon::evidence::JournalStamp;
use crate::daemon::signals::Signals;

const POLL: Duration = Duration::from_millis(200);
/// A run that systemd has no more, and that did not record its end, is lost after so long.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// A run that has recorded its end, and is not gone by then, is not waited for.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Why following ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Followed {
    /// The run is over; where its record has no end, it was lost.
    Over(RunRecord),
    /// A signal ended following; the run goes on.
    Detached(RunRecord),
}

/// Shows what the run writes until it is over, or a signal comes.
pub(super) async fn follow(
    operation: Operation,
    invocation_id: &str,
    state: &StateDirectory,
    terminal: &Arc<Terminal>,
    signals: &mut Signals,
) -> Result<Followed, OperateError> {
    let journal = UnitJournal::follow(invocation_id, terminal);
    let mut record = RunRecord::default();
    let (mut stamp, mut gone_since, mut ended_since) = (None, None, None);
    loop {
        // Before the journal: what ends in between is then in the journal. Where systemd tells nothing, it is taken for there.
        let is_there = live_invocations(Path::new("/")).is_none_or(|ids| ids.contains(invocation_id));
        let stamp_now = JournalStamp::of(state);
        if stamp != stamp_now || stamp_now.is_none() {
            record = RunRecord::of(&state.journal().read()?.entries, invocation_id);
            stamp = stamp_now;
        }
        let gone = if is_there { None } else { Some(*gone_since.get_or_insert_with(Instant::now)) };
        gone_since = gone;
        let is_over = match (&record.ended, gone) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => ended_since.get_or_insert_with(Instant::now).elapsed() > GONE_WITHIN,
            (None, Some(gone)) => gone.elapsed() > LOST_AFTER,
            (None, None) => false,
        };
        if is_over {
            journal.finish();
            terminal.clear();
            return Ok(Followed::Over(record));
        }
        terminal.status(&status_line(operation, &record, Timestamp::now()));
        tokio::select! {
            () = sleep(POLL) => {}
            _ = signals.next() => {
                terminal.clear();
                return Ok(Followed::Detached(record));
            }
        }
    }
}

fn status_line(operation: Operation, record: &RunRecord, now: Timestamp) -> String {
    let age = record.started_at.map(|at| format!(" {}", Age::between(at, now))).unwrap_or_default();
    let phase = record.phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
    // Within 80 columns: a line that wraps cannot be replaced.
    format!("{operation} runs{phase}{age}; Ctrl-C ends following only")
}

#[cfg(test)]
mod tests {
    use nixfleet_core::observation::Phase;

    use super::*;

    #[test]
    fn the_status_line_fits_into_a_terminal() {
        let now: Timestamp = "2025-03-15T04:00:00Z".parse().unwrap();
        let mut record = RunRecord::default();
        assert_eq!(status_line(Operation::Pull, &record, now), "pull runs; Ctrl-C ends following only");
        record.phase = Some(Phase::Evaluation);
        record.started_at = now.checked_sub(jiff::SignedDuration::from_hours(23)).ok();
        let line = status_line(Operation::Rollback, &record, now);
        assert!(line.starts_with("rollback runs in evaluation 23") && line.len() < 80, "{line}");
    }
}

//! Follow a run to its end. The journal of operations is the truth; systemd says only whether the run is still there.
//!
//! No bus is needed for it: it goes away and comes back while a system is activated. So may the network to another host:
//! then the connection is made anew for a while, and what was missed is shown.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::Age;
use nixfleet_core::observation::Operation;
use tokio::time::{Instant, sleep};

use super::OperateError;
use super::run_record::RunRecord;
use super::show::Show;
use super::unit_journal::UnitJournal;
use crate::daemon::signals::Signals;
use crate::ssh::SshError;
use crate::target::{JournalFeed, Target};

const POLL: Duration = Duration::from_millis(200);
/// A run that has recorded its end, and is not gone by then, is not waited for.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Why following ended.
#[derive(Debug)]
pub(super) enum Followed {
    /// The run is over; where its record has no end, it was lost.
    Over(RunRecord),
    /// A signal ended following; the run goes on.
    Detached(RunRecord),
    /// The connection was lost and did not come back; the run goes on.
    CutOff(RunRecord, SshError),
}

/// Shows what the run writes until it is over, or a signal comes.
pub(super) async fn follow(
    operation: Operation,
    invocation_id: &str,
    target: &mut Target,
    show: &Arc<dyn Show>,
    signals: &mut Signals,
) -> Result<Followed, OperateError> {
    let mut cursor = None;
    let mut record = RunRecord::default();
    loop {
        let journal = UnitJournal::follow(invocation_id, target.programs(), show, cursor);
        let looked = tokio::select! {
            looked = until_over(operation, invocation_id, target, &**show, &mut record) => looked,
            _ = signals.next() => {
                show.clear();
                return Ok(Followed::Detached(record));
            }
        };
        let lost = match looked {
            Ok(()) => {
                journal.finish();
                show.clear();
                return Ok(Followed::Over(record));
            }
            Err(OperateError::Ssh(lost @ SshError::Lost { .. })) => lost,
            Err(error) => return Err(error),
        };
        cursor = journal.cursor();
        drop(journal);
        show.line(&format!("{lost}; the {operation} goes on there, the connection is made anew"));
        tokio::select! {
            again = target.reconnect() => match again {
                Ok(()) => show.line("the connection is there again"),
                Err(error) => return Ok(Followed::CutOff(record, error)),
            },
            _ = signals.next() => return Ok(Followed::Detached(record)),
        }
    }
}

async fn until_over(
    operation: Operation,
    invocation_id: &str,
    target: &mut Target,
    show: &dyn Show,
    record: &mut RunRecord,
) -> Result<(), OperateError> {
    let feed = target.journal_feed()?;
    let (mut stamp, mut gone_since, mut ended_since) = (None, None, None);
    let mut is_there = Remembered::default();
    loop {
        target.check()?;
        // Before the journal: what ends in between is then in the journal.
        let is_there = is_there.now(invocation_id, target, record).await?;
        let stamp_now = feed.stamp();
        if stamp != stamp_now || stamp_now.is_none() {
            read(&feed, invocation_id, record)?;
            stamp = stamp_now;
        }
        let gone = if is_there { None } else { Some(*gone_since.get_or_insert_with(Instant::now)) };
        gone_since = gone;
        let is_over = match (&record.ended, gone) {
            (Some(_), Some(_)) => true,
            (Some(_), None) => ended_since.get_or_insert_with(Instant::now).elapsed() > GONE_WITHIN,
            // A run that systemd has no more, and that did not record its end, is lost.
            (None, Some(gone)) => gone.elapsed() > target.lag() + Duration::from_secs(1),
            (None, None) => false,
        };
        if is_over {
            return Ok(());
        }
        show.status(&status_line(operation, record, Timestamp::now()));
        sleep(POLL).await;
    }
}

fn read(feed: &JournalFeed, invocation_id: &str, record: &mut RunRecord) -> Result<(), OperateError> {
    let read = RunRecord::of(&feed.entries()?, invocation_id);
    // A copy that has only begun tells less than what is known already.
    if read != RunRecord::default() {
        *record = read;
    }
    Ok(())
}

/// Whether systemd has the run: over ssh not asked each time.
#[derive(Debug, Default)]
struct Remembered {
    answer: Option<(Instant, bool)>,
}

impl Remembered {
    async fn now(&mut self, invocation_id: &str, target: &Target, record: &RunRecord) -> Result<bool, SshError> {
        match self.answer {
            // An end that was recorded is a reason to ask at once.
            Some((asked, answer)) if record.ended.is_none() && asked.elapsed() < target.has_run_interval() => {
                Ok(answer)
            }
            _ => {
                let answer = target.has_run(invocation_id).await?;
                self.answer = Some((Instant::now(), answer));
                Ok(answer)
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

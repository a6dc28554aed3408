//! One run, as the journal of operations tells of it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::observation::{Operation, OperationResult, Phase};
use nixfleet_core::state_directory::{Ended, JournalEntry};

use crate::Outcome;

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RunRecord {
    pub(super) started_at: Option<Timestamp>,
    pub(super) phase: Option<Phase>,
    pub(super) revision: Option<Revision>,
    pub(super) ended: Option<Ended>,
}

impl RunRecord {
    /// Of the run with this id. Nothing counts after its first end.
    pub(super) fn of(entries: &[JournalEntry], invocation_id: &str) -> Self {
        let mut record = Self::default();
        for entry in entries.iter().filter(|entry| entry.invocation_id() == Some(invocation_id)) {
            match entry {
                JournalEntry::Started(started) => {
                    record.started_at = Some(started.at);
                    record.revision = started.revision.clone().or(record.revision);
                }
                JournalEntry::Progress(progress) => {
                    record.phase = Some(progress.phase);
                    record.revision = progress.revision.clone().or(record.revision);
                }
                JournalEntry::Ended(ended) => {
                    record.phase = ended.phase.or(record.phase);
                    record.revision = ended.revision.clone().or(record.revision);
                    record.ended = Some(ended.clone());
                    break;
                }
                JournalEntry::Held(_) | JournalEntry::Released(_) | JournalEntry::Checkpoint(_) => {}
            }
        }
        record
    }
}

/// The ids of the runs of this unit that said that they started, oldest first.
pub(super) fn runs_of_unit<'a>(entries: &'a [JournalEntry], unit: &str) -> Vec<&'a str> {
    let started = entries.iter().filter_map(|entry| match entry {
        JournalEntry::Started(started) if started.unit == unit => Some(started.invocation_id.as_str()),
        _ => None,
    });
    started.collect()
}

/// The last run of this unit that is in the journal and was not `before`.
pub(super) fn new_run(entries: &[JournalEntry], unit: &str, before: &BTreeSet<String>) -> Option<String> {
    runs_of_unit(entries, unit).into_iter().rfind(|id| !before.contains(*id)).map(str::to_owned)
}

/// The last run of an operation.
pub(super) fn last_run(entries: &[JournalEntry], operation: Operation) -> Option<&str> {
    entries.iter().rev().find_map(|entry| match entry {
        JournalEntry::Started(started) if started.operation == operation => Some(started.invocation_id.as_str()),
        JournalEntry::Ended(ended) if ended.operation == operation => Some(ended.invocation_id.as_str()),
        _ => None,
    })
}

/// What the exit code of the command says of a result.
pub(super) const fn outcome_of(result: OperationResult) -> Outcome {
    match result {
        OperationResult::Success => Outcome::Done,
        OperationResult::Failed => Outcome::OperationFailed,
        OperationResult::Stopped
        | OperationResult::TimedOut
        | OperationResult::Killed
        | OperationResult::Interrupted
        | OperationResult::Lost => Outcome::OperationCutOff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<JournalEntry> {
        [
            r#"{"event":"started","operation":"switch","unit":"nixfleet-switch.service","invocation_id":"a","at":"2025-03-15T04:00:00Z"}"#,
            r#"{"event":"progress","invocation_id":"a","at":"2025-03-15T04:01:00Z","phase":"build","revision":"a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4"}"#,
            r#"{"event":"started","operation":"rollback","unit":"nixfleet-rollback@4.service","invocation_id":"b","at":"2025-03-15T04:01:00Z"}"#,
            r#"{"event":"ended","operation":"switch","invocation_id":"a","at":"2025-03-15T04:02:00Z","result":"killed"}"#,
            r#"{"event":"ended","operation":"switch","invocation_id":"a","at":"2025-03-15T04:03:00Z","result":"success"}"#,
        ]
        .map(|line| serde_json::from_str(line).unwrap())
        .into()
    }

    #[test]
    fn a_run_is_told_by_its_own_entries_until_its_first_end() {
        let entries = entries();
        let record = RunRecord::of(&entries, "a");
        assert_eq!(record.ended.unwrap().result, OperationResult::Killed);
        assert_eq!(record.phase, Some(Phase::Build));
        assert_eq!(record.revision.unwrap().short(), "a1b2c3d");
        assert_eq!(RunRecord::of(&entries, "b").ended, None);
        assert_eq!(RunRecord::of(&entries, "c"), RunRecord::default());
        assert_eq!(last_run(&entries, Operation::Switch), Some("a"));
        assert_eq!(last_run(&entries, Operation::Rollback), Some("b"));
        assert_eq!(last_run(&entries, Operation::Pull), None);
        let none = BTreeSet::new();
        assert_eq!(new_run(&entries, "nixfleet-rollback@4.service", &none).as_deref(), Some("b"));
        assert_eq!(new_run(&entries, "nixfleet-rollback.service", &none), None);
        assert_eq!(new_run(&entries, "nixfleet-switch.service", &BTreeSet::from(["a".to_owned()])), None);
    }

    #[test]
    fn exit_codes_of_results() {
        use OperationResult::{Failed, Interrupted, Killed, Lost, Stopped, Success, TimedOut};
        let expected =
            [(Success, 0), (Failed, 5), (Stopped, 6), (TimedOut, 6), (Killed, 6), (Interrupted, 6), (Lost, 6)];
        assert_eq!(OperationResult::ALL.map(|result| (result, outcome_of(result).code())), expected);
    }
}

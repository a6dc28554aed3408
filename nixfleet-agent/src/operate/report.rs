//! What is told of a run at the end.

use nixfleet_core::Revision;
use nixfleet_core::model::HostStatus;
use nixfleet_core::observation::{Operation, OperationResult, Phase};
use serde::Serialize;

use super::run_record::RunRecord;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) operation: Operation,
    /// Absent while it runs.
    pub(crate) result: Option<OperationResult>,
    /// Of the step that ended it, where one did.
    pub(crate) exit_code: Option<i32>,
    pub(crate) phase: Option<Phase>,
    pub(crate) detail: Option<&'a str>,
    pub(crate) revision: Option<&'a Revision>,
    pub(crate) invocation_id: &'a str,
    /// Absent where it cannot be told; the reason is on standard error.
    pub(crate) status: Option<&'a HostStatus>,
}

impl<'a> Report<'a> {
    /// `is_over`: where there is no end, the run was lost.
    pub(crate) fn new(operation: Operation, invocation_id: &'a str, record: &'a RunRecord, is_over: bool) -> Self {
        let ended = record.ended.as_ref();
        let lost = is_over.then_some(OperationResult::Lost);
        let unsaid = lost.map(|_| "it runs no more and nobody recorded its end");
        Self {
            operation,
            result: ended.map(|ended| ended.result).or(lost),
            exit_code: ended.and_then(|ended| ended.exit_code),
            phase: record.phase,
            detail: ended.map_or(unsaid, |ended| ended.detail.as_deref()),
            revision: record.revision.as_ref(),
            invocation_id,
            status: None,
        }
    }

    /// How it ended, in one line for people.
    pub(crate) fn sentence(&self) -> String {
        let words = match self.result {
            None => "is still running",
            Some(OperationResult::Success) => "succeeded",
            Some(OperationResult::Failed) => "failed",
            Some(OperationResult::Stopped) => "was stopped",
            Some(OperationResult::TimedOut) => "timed out",
            Some(OperationResult::Killed) => "was killed",
            Some(OperationResult::Interrupted) => "was interrupted",
            Some(OperationResult::Lost) => "was lost",
        };
        let is_success = self.result == Some(OperationResult::Success);
        let phase = self.phase.filter(|_| !is_success).map(|phase| format!(" in {phase}")).unwrap_or_default();
        let detail = self.detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{} {words}{phase}{detail}", self.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_an_end_is_lost_or_still_running() {
        let record = RunRecord { phase: Some(Phase::Build), ..RunRecord::default() };
        let over = Report::new(Operation::Switch, "a", &record, true);
        assert_eq!(over.sentence(), "switch was lost in build: it runs no more and nobody recorded its end");
        let runs = Report::new(Operation::Switch, "a", &record, false);
        assert_eq!((runs.result, runs.sentence().as_str()), (None, "switch is still running in build"));
    }
}

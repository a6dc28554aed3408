//! What a run of an operation tells the journal of operations.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::observation::{Operation, OperationResult, Phase};
use nixfleet_core::state_directory::{Ended, JournalEntry, Progress, Started, StateError, TestCounts, boot_id};
use nixfleet_core::system::SystemRoot;

use super::context::Context;
use super::error::StepError;
use crate::recorded_operations::recorded_operations;

pub(super) struct Run<'a> {
    context: &'a Context,
    operation: Operation,
}

/// What a run that succeeded has to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Success {
    pub(super) phase: Option<Phase>,
    pub(super) revision: Option<Revision>,
    pub(super) from_revision: Option<Revision>,
    /// Where it starts at the next boot, and another one runs until then.
    pub(super) next_boot_store_path: Option<PathBuf>,
    pub(super) generation: Option<u64>,
    pub(super) detail: Option<String>,
    /// Of a test operation, which may have failed.
    pub(super) tests: Option<TestCounts>,
}

impl Success {
    pub(super) fn sentence(&self) -> &str {
        self.detail.as_deref().unwrap_or("done")
    }
}

impl<'a> Run<'a> {
    pub(super) const fn new(context: &'a Context, operation: Operation) -> Self {
        Self { context, operation }
    }

    pub(super) fn started(
        &self,
        revision: Option<Revision>,
        from_revision: Option<Revision>,
    ) -> Result<(), StateError> {
        self.append(&JournalEntry::Started(Started {
            operation: self.operation,
            unit: self.context.unit.clone(),
            invocation_id: self.context.invocation_id.clone(),
            boot_id: boot_id(Path::new("/")),
            at: Timestamp::now(),
            revision,
            from_revision,
            from_store_path: running_system(),
        }))
    }

    pub(super) fn progress(
        &self,
        phase: Phase,
        revision: Option<Revision>,
        store_path: Option<PathBuf>,
    ) -> Result<(), StateError> {
        self.may_fall_back(phase, revision, store_path, None)
    }

    /// The same, with the system that comes back where this run ends before its next word.
    pub(super) fn may_fall_back(
        &self,
        phase: Phase,
        revision: Option<Revision>,
        store_path: Option<PathBuf>,
        falls_back_to: Option<PathBuf>,
    ) -> Result<(), StateError> {
        let invocation_id = self.context.invocation_id.clone();
        self.append(&JournalEntry::Progress(Progress {
            invocation_id,
            at: Timestamp::now(),
            phase,
            revision,
            store_path,
            falls_back_to,
        }))
    }

    pub(super) fn succeeded(&self, success: Success) -> Result<(), StateError> {
        let failed = success.tests.as_ref().is_some_and(|tests| tests.failed > 0);
        self.append(&JournalEntry::Ended(Ended {
            result: if failed { OperationResult::Failed } else { OperationResult::Success },
            exit_code: Some(i32::from(failed)),
            phase: success.phase,
            revision: success.revision,
            from_revision: success.from_revision,
            next_boot_store_path: success.next_boot_store_path,
            generation: success.generation,
            detail: success.detail,
            tests: success.tests,
            ..self.ended(OperationResult::Success)
        }))
    }

    pub(super) fn failed(&self, error: StepError) -> Result<(), StateError> {
        self.append(&JournalEntry::Ended(Ended {
            exit_code: Some(error.exit_code),
            phase: Some(error.phase),
            detail: Some(error.sentence),
            ..self.ended(OperationResult::Failed)
        }))
    }

    /// An end of this run with nothing but its result.
    pub(super) fn ended(&self, result: OperationResult) -> Ended {
        Ended {
            store_path: running_system(),
            ..Ended::new(self.operation, self.context.invocation_id.clone(), Timestamp::now(), result)
        }
    }

    pub(super) fn append(&self, entry: &JournalEntry) -> Result<(), StateError> {
        self.context.state.journal().append(entry)
    }
}

/// The system that runs: where `/run/current-system` points to.
pub(super) fn running_system() -> Option<PathBuf> {
    std::fs::read_link("/run/current-system").ok()
}

/// The commit of the system that runs: as the system itself says, else as nixfleet deployed it.
pub(super) fn running_revision(context: &Context) -> Option<Revision> {
    let observed = SystemRoot::default().observe();
    let running = observed.running.present()?;
    running.revision.clone().or_else(|| {
        let deployed = recorded_operations(&context.state)?.deployed?;
        deployed.revision_of(&running.store_path).cloned()
    })
}

//! What the entries of the journal tell together. Pure: no I/O, and the time is given.

use jiff::Timestamp;

use super::hold::Hold;
use super::pulled::last_move;
use super::runs::Run;
use super::{Ended, FoldContext, JournalEntry};
use crate::observation::{
    Deployed, FinishedOperation, Operation, OperationHistory, OperationResult, Pulled, RunningOperation, UntilBoot,
};
use crate::state_directory::TestRunRecord;

/// A run that systemd does not have is lost only after this: it may just be starting.
const LOST_AFTER_SECONDS: u64 = 10;

/// So many failing tests are named where the run itself left no word.
const NAMED_TESTS: usize = 5;

/// What the journal tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalHistory {
    /// What operations did.
    pub operations: OperationHistory,
    /// The last test run that came to an end or was lost, without the single tests: those are in `tests.json`, see
    /// [`TestRunRecord::completed_from`].
    pub last_test_run: Option<TestRunRecord>,
}

/// What these entries, in the order of their lines, tell together.
///
/// A run without a result is interrupted where it started in another boot, lost where its unit started again since or
/// systemd has it no more, and running otherwise. Nothing here counts as a success without its own word.
#[must_use]
pub fn history(entries: &[JournalEntry], context: &FoldContext) -> JournalHistory {
    let mut history = JournalHistory::default();
    let operations = &mut history.operations;
    for entry in entries {
        if let JournalEntry::Checkpoint(checkpoint) = entry {
            for (operation, totals) in &checkpoint.totals {
                for (result, count) in totals {
                    add(operations, *operation, *result, *count);
                }
            }
        }
    }
    let mut runs = Run::all(entries.iter().enumerate());
    operations.held = Hold::follow(entries.iter().enumerate(), &runs).held;
    operations.pulled = last_move(&runs).and_then(|pull| {
        let (revision, ended) = (pull.revision?.clone(), pull.ended()?);
        Some(Pulled { revision, from_revision: pull.from_revision.cloned(), at: ended.at })
    });

    // Where several of one kind run (a rollback to two generations), the one that started last is shown.
    for run in &runs {
        if let (Some(operation), None, Some(started)) = (run.operation(), outcome(run, context), run.started()) {
            operations.of_mut(operation).running = Some(RunningOperation {
                invocation_id: run.invocation_id.to_owned(),
                started_at: started.at,
                phase: run.phase,
                revision: run.revision.cloned(),
            });
        }
    }
    // From here on in the order in which they ended: the last one stays.
    runs.sort_by_key(|run| run.last_line);
    for run in &runs {
        let (Some(operation), Some(result)) = (run.operation(), outcome(run, context)) else { continue };
        let Some(finished) = finished(run, operation, result) else { continue };
        add(operations, operation, result, 1);
        let is_deployment = matches!(operation, Operation::Switch | Operation::Rollback);
        if is_deployment {
            operations.last_deployment = Some(operation);
        }
        if operation == Operation::Test {
            history.last_test_run = Some(test_run(run, &finished));
        }
        if let (OperationResult::Success, Some(ended_at)) = (result, finished.ended_at) {
            operations.of_mut(operation).last_success_at = Some(ended_at);
            if is_deployment {
                operations.deployed = deployed(run, &finished, ended_at);
            }
        }
        operations.of_mut(operation).last = Some(finished);
    }
    history
}

fn add(operations: &mut OperationHistory, operation: Operation, result: OperationResult, count: u64) {
    let total = operations.of_mut(operation).totals.entry(result).or_default();
    *total = total.saturating_add(count);
}

/// How the run ended; `None` while it runs.
fn outcome(run: &Run<'_>, context: &FoldContext) -> Option<OperationResult> {
    if let Some(result) = run.settled() {
        return Some(result);
    }
    let started = run.started()?;
    if let (Some(its_boot), Some(this_boot)) = (&started.boot_id, &context.boot_id)
        && its_boot != this_boot
    {
        return Some(OperationResult::Interrupted);
    }
    let live = context.live_invocations.as_ref()?;
    // A start in the future is a clock that was set back since: no reason to wait until it gets there.
    let age_seconds = context.now.duration_since(started.at).as_secs().unsigned_abs();
    (!live.contains(run.invocation_id) && age_seconds > LOST_AFTER_SECONDS).then_some(OperationResult::Lost)
}

fn finished(run: &Run<'_>, operation: Operation, result: OperationResult) -> Option<FinishedOperation> {
    let ended = run.ended();
    Some(FinishedOperation {
        operation,
        invocation_id: run.invocation_id.to_owned(),
        started_at: run.started().map(|started| started.at).or(ended.map(|ended| ended.at))?,
        ended_at: ended.map(|ended| ended.at),
        result,
        exit_code: ended.and_then(|ended| ended.exit_code),
        phase: run.phase,
        revision: run.revision.cloned(),
        store_path: ended.and_then(|ended| ended.store_path.clone()),
        generation: ended.and_then(|ended| ended.generation),
        detail: ended.and_then(detail),
    })
}

/// The system that a successful run brought.
fn deployed(run: &Run<'_>, finished: &FinishedOperation, at: Timestamp) -> Option<Deployed> {
    let revision = finished.revision.clone();
    if let Some(next) = run.ended().and_then(|ended| ended.next_boot_store_path.clone()) {
        let until_boot = finished.store_path.clone().filter(|running| *running != next);
        let until_boot = until_boot.map(|store_path| UntilBoot { store_path, revision: run.from_revision.cloned() });
        return Some(Deployed { revision, store_path: next, at, until_boot });
    }
    // A success without the system's path says that another one runs than before, and not which.
    let store_path = finished.store_path.as_deref().or(run.target)?.to_owned();
    Some(Deployed { revision, store_path, at, until_boot: None })
}

fn detail(ended: &Ended) -> Option<String> {
    let failing = ended.tests.as_ref().filter(|tests| !tests.failing.is_empty()).map(|tests| {
        let named: Vec<&str> = tests.failing.iter().take(NAMED_TESTS).map(String::as_str).collect();
        let more = if tests.failing.len() > NAMED_TESTS { ", …" } else { "" };
        format!("{} failed: {}{more}", tests.failed, named.join(", "))
    });
    let signal = ended.signal.as_ref().map(|signal| format!("ended by signal {signal}"));
    ended.detail.clone().or(failing).or(signal)
}

fn test_run(run: &Run<'_>, finished: &FinishedOperation) -> TestRunRecord {
    let at_start = run.started().and_then(|started| started.from_store_path.as_deref());
    TestRunRecord {
        invocation_id: finished.invocation_id.clone(),
        // Not the system when they ended: another one may run by then, which was not tested.
        store_path: at_start.or(run.target).map(std::path::Path::to_owned),
        revision: finished.revision.clone(),
        started_at: finished.started_at,
        ended_at: finished.ended_at,
        result: finished.result,
        tests: Vec::new(),
    }
}

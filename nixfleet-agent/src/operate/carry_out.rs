//! One operation on one host, from its start to what became of it.

use std::sync::Arc;

use nixfleet_core::observation::Operation;

use super::OperateError;
use super::follow::{Followed, follow};
use super::report::Report;
use super::run_record::{RunRecord, outcome_of};
use super::show::Show;
use super::start::start;
use super::unit::unit_of;
use crate::Outcome;
use crate::daemon::signals::Signals;
use crate::ssh::SshError;
use crate::target::Target;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) operation: Operation,
    /// Where a rollback goes to; absent for the previous generation.
    pub(crate) generation: Option<u64>,
    /// Whether its end is waited for.
    pub(crate) wait: bool,
}

impl Order {
    /// The operation, followed to its end.
    pub(crate) const fn of(operation: Operation) -> Self {
        Self { operation, generation: None, wait: true }
    }

    /// The arguments of `nixfleet` that say the same.
    pub(super) fn command(self) -> String {
        match self.generation {
            Some(number) => format!("{} --to {number}", self.operation),
            None => self.operation.to_string(),
        }
    }
}

/// A run that was started or found.
#[derive(Debug)]
pub(crate) struct Run {
    operation: Operation,
    pub(crate) invocation_id: String,
    record: RunRecord,
    /// Whether it came to an end.
    pub(super) is_over: bool,
    pub(crate) outcome: Outcome,
}

impl Run {
    /// What is told of it, without the host's status.
    pub(crate) fn report(&self) -> Report<'_> {
        Report::new(self.operation, &self.invocation_id, &self.record, self.is_over)
    }
}

/// Starts the operation, or finds the run that is under way, and follows it.
pub(crate) async fn carry_out(
    order: Order,
    target: &mut Target,
    show: &Arc<dyn Show>,
    signals: &mut Signals,
) -> Result<Run, OperateError> {
    let Order { operation, generation, wait } = order;
    let unit = unit_of(operation, generation);
    let command = order.command();
    let begun = tokio::select! {
        begun = start(&unit, target, &command) => Some(begun),
        _ = signals.next() => None,
    };
    let Some(begun) = begun else { return Err(OperateError::Interrupted(target.call("status"))) };
    let started = match begun {
        Ok(started) => started,
        Err(error) => {
            // A connection that was lost meanwhile is the better reason.
            return Err(match (target.check(), error) {
                (Err(lost), _) | (Ok(()), OperateError::Ssh(lost @ SshError::Lost { .. })) => {
                    OperateError::LostAtStart { lost: Box::new(lost), unit, look: target.call("status") }
                }
                (Ok(()), error) => error,
            });
        }
    };
    if started.was_running {
        show.line(&format!("{unit} runs already: following that run"));
    }
    let mut run = Run {
        operation,
        invocation_id: started.invocation_id,
        record: RunRecord::default(),
        is_over: false,
        outcome: Outcome::Done,
    };
    let follow_it = target.call(&format!("logs --follow {operation}"));
    if !wait {
        show.line(&format!("{unit} runs; `{follow_it}` shows what it writes"));
        return Ok(run);
    }
    match follow(operation, &run.invocation_id, target, show, signals).await? {
        Followed::Over(record) => {
            run.record = record;
            run.is_over = true;
            let sentence = run.report().sentence();
            run.outcome = run.report().result.map_or(Outcome::OperationCutOff, outcome_of);
            show.line(&sentence);
        }
        Followed::Detached(record) => {
            run.record = record;
            run.outcome = Outcome::Detached;
            let cancel = target.call(&format!("cancel {operation}"));
            show.line(&format!("the {operation} goes on: `{follow_it}` shows it, `{cancel}` ends it"));
        }
        Followed::CutOff(record, lost) => {
            run.record = record;
            run.outcome = Outcome::ConnectionLost;
            show.line(&format!(
                "{lost}; the {operation} goes on there: `{follow_it}` shows it once the host can be reached"
            ));
        }
    }
    Ok(run)
}

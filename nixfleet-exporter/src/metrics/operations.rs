//! Operations: pull, switch, test, rollback, from the journal.

use std::fmt;

use jiff::Timestamp;
use nixfleet_core::observation::{Observation, Operation, OperationRecord, OperationResult};
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind, Value};
use super::label::Label;

const RUNNING: Family<1> = gauge("nixfleet_operation_running", "Whether the operation runs now");

const LAST_START: Family<1> = gauge(
    "nixfleet_operation_last_start_timestamp_seconds",
    "When the operation last started, the running one included",
);

const LAST_SUCCESS: Family<1> =
    gauge("nixfleet_operation_last_success_timestamp_seconds", "When the operation last ended with success");

const LAST_DURATION: Family<1> = gauge(
    "nixfleet_operation_last_duration_seconds",
    "How long the last run of the operation that came to an end took",
);

const LAST_EXIT_CODE: Family<1> = gauge(
    "nixfleet_operation_last_exit_code",
    "The exit code of the last run of the operation that came to an end by itself",
);

const TOTAL: Family<2> = Family {
    name: "nixfleet_operations_total",
    help: "Runs of the operation that ended, by result, as the journal of operations has them",
    kind: Kind::Counter,
    labels: ["operation", "result"],
};

const fn gauge(name: &'static str, help: &'static str) -> Family<1> {
    Family { name, help, kind: Kind::Gauge, labels: ["operation"] }
}

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, observation: &Observation) -> fmt::Result {
    if observation.is_repository_only() {
        return Ok(());
    }
    let journal_is_whole = observation.operations.problem.is_none();
    let each = |value: fn(&OperationRecord) -> Option<Value>| {
        Operation::ALL.into_iter().filter_map(move |operation| {
            Some(([Label::from(operation.name())], value(observation.operations.of(operation))?))
        })
    };
    // A journal that cannot be read does not say that nothing runs.
    let running = each(|record| Some(record.running.is_some().into()));
    RUNNING.encode(encoder, running.filter(|(_, value)| journal_is_whole || *value == Value::from(true)))?;
    LAST_START.encode(encoder, each(|record| last_start(record).map(Value::from)))?;
    LAST_SUCCESS.encode(encoder, each(|record| record.last_success_at.map(Value::from)))?;
    LAST_DURATION.encode(encoder, each(|record| last_duration_seconds(record).map(Value::Float)))?;
    LAST_EXIT_CODE.encode(encoder, each(|record| record.last.as_ref()?.exit_code.map(Value::from)))?;
    let totals = totals(observation)
        .map(|(operation, result, count)| ([Label::from(operation.name()), Label::from(result.name())], count.into()));
    TOTAL.encode(encoder, totals)
}

/// How many counters of operations this observation has.
pub(super) fn counters(observation: &Observation) -> usize {
    totals(observation).count()
}

/// Success and failure count from 0, so that a rate is right from the first on; other results from their first on.
fn totals(observation: &Observation) -> impl Iterator<Item = (Operation, OperationResult, u64)> + '_ {
    let operations = &observation.operations;
    let from_zero = operations.problem.is_none() && !observation.is_repository_only();
    let all = Operation::ALL.into_iter().flat_map(|operation| OperationResult::ALL.map(|result| (operation, result)));
    all.filter_map(move |(operation, result)| {
        let count = operations.of(operation).totals.get(&result).copied();
        let is_common = matches!(result, OperationResult::Success | OperationResult::Failed);
        let count = count.or((from_zero && is_common).then_some(0))?;
        Some((operation, result, count))
    })
}

fn last_start(record: &OperationRecord) -> Option<Timestamp> {
    let running = record.running.as_ref().map(|running| running.started_at);
    running.or(record.last.as_ref().map(|last| last.started_at))
}

/// Absent where the clock was set back in between: that run's duration is not known.
fn last_duration_seconds(record: &OperationRecord) -> Option<f64> {
    let last = record.last.as_ref()?;
    let duration = last.ended_at?.duration_since(last.started_at);
    (!duration.is_negative()).then(|| duration.as_secs_f64())
}

//! Test: the host's own tests, of the commit that runs, as a user of their own and each with a time limit.

mod account;
mod left_behind;
mod one;
mod suite;

use std::time::Duration;

use account::Account;
use jiff::Timestamp;
use nixfleet_core::observation::{IndividualTest, IndividualTestResult, Operation, OperationResult, Phase};
use nixfleet_core::observe::TestsCommitReason;
use nixfleet_core::state_directory::{TestCounts, TestRunRecord};
use nixfleet_core::system::SystemRoot;
use suite::Suite;
pub(super) use suite::remove as remove_what_was_written_out;

use super::context::Context;
use super::error::StepError;
use super::run::{Run, Success, running_system};

pub(super) fn test(context: &Context) -> Result<Option<Success>, StepError> {
    let run = Run::new(context, Operation::Test);
    let started_at = Timestamp::now();
    let revision = SystemRoot::default().observe().running.present().and_then(|running| running.revision.clone());
    run.started(revision.clone(), None).map_err(StepError::in_phase(Phase::Tests))?;
    let store_path = running_system();
    let account = Account::find(context.config.tests.user()).map_err(StepError::in_phase(Phase::Tests))?;
    let suite = Suite::write_out(context, revision.as_ref(), &account).map_err(StepError::in_phase(Phase::Tests))?;
    eprintln!("tests of {}", suite.commit);
    let limit = Duration::from_secs(context.config.tests.timeout_seconds);
    let mut tests = Vec::new();
    for path in &suite.tests {
        let test = one::run(path, &account, limit, &context.unit).map_err(StepError::in_phase(Phase::Tests))?;
        eprintln!("{}: {}", test.name, word(test.result));
        tests.push(test);
    }
    let counts = count(&tests);
    let numbers = format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
    let detail = match suite.commit.why {
        TestsCommitReason::Runs => numbers,
        _ => format!("{numbers}; of {}", suite.commit),
    };
    let result = if counts.failed > 0 { OperationResult::Failed } else { OperationResult::Success };
    let record = TestRunRecord {
        invocation_id: context.invocation_id.clone(),
        store_path,
        revision: revision.clone(),
        started_at,
        ended_at: Some(Timestamp::now()),
        result,
        tests,
    };
    context.state.write_tests(&record).map_err(StepError::in_phase(Phase::Tests))?;
    let success = Success {
        phase: Some(Phase::Tests),
        revision,
        detail: Some(detail),
        tests: Some(counts),
        ..Success::default()
    };
    if result == OperationResult::Success {
        return Ok(Some(success));
    }
    // Recorded here, with its counts; the exit code then fails the unit.
    eprintln!("{}", success.sentence());
    run.succeeded(success).map_err(StepError::in_phase(Phase::Tests))?;
    Err(StepError { is_recorded: true, ..StepError::new(Phase::Tests, "tests failed") })
}

fn count(tests: &[IndividualTest]) -> TestCounts {
    let of = |results: &[IndividualTestResult]| {
        u64::try_from(tests.iter().filter(|test| results.contains(&test.result)).count()).unwrap_or(u64::MAX)
    };
    let failed = [IndividualTestResult::Failed, IndividualTestResult::TimedOut];
    TestCounts {
        passed: of(&[IndividualTestResult::Passed]),
        failed: of(&failed),
        skipped: of(&[IndividualTestResult::Skipped]),
        failing: tests.iter().filter(|test| failed.contains(&test.result)).map(|test| test.name.clone()).collect(),
    }
}

const fn word(result: IndividualTestResult) -> &'static str {
    match result {
        IndividualTestResult::Passed => "passed",
        IndividualTestResult::Failed => "failed",
        IndividualTestResult::Skipped => "skipped",
        IndividualTestResult::TimedOut => "timed out",
    }
}

//! Test: the host's own tests, each with a time limit.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::observation::{IndividualTest, IndividualTestResult, Operation, OperationResult, Phase};
use nixfleet_core::observe::is_test;
use nixfleet_core::state_directory::{TestCounts, TestRunRecord};
use nixfleet_core::system::SystemRoot;

use super::child::kill_group;
use super::context::Context;
use super::error::StepError;
use super::run::{Run, Success, running_system};

/// A test that ends with this code says that it does not apply to this host. The convention of Automake.
const SKIPPED: i32 = 77;

pub(super) fn test(context: &Context) -> Result<Option<Success>, StepError> {
    let run = Run::new(context, Operation::Test);
    let in_tests = StepError::in_phase(Phase::Tests);
    let started_at = Timestamp::now();
    let revision = SystemRoot::default().observe().running.present().and_then(|running| running.revision.clone());
    run.started(revision.clone(), None).map_err(&in_tests)?;
    let store_path = running_system();
    let directory = context.repository().join(context.config.tests_directory());
    let limit = Duration::from_secs(context.config.tests.timeout_seconds);
    let executables = executables(&directory).map_err(|error| {
        StepError::new(Phase::Tests, format!("cannot read {}: {error}; pull first", directory.display()))
    })?;
    let mut tests = Vec::new();
    for path in &executables {
        let test = run_one(path, limit);
        eprintln!("{}: {}", test.name, word(test.result));
        tests.push(test);
    }
    let counts = count(&tests);
    let detail = format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped);
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

/// The executables of the directory, by name.
fn executables(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        if is_test(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn run_one(path: &Path, limit: Duration) -> IndividualTest {
    let name = path.file_name().unwrap_or_default().to_string_lossy().replace(char::is_control, " ");
    let started = Instant::now();
    // A group of its own, so that a test that is ended takes its children along.
    let child = Command::new(path).stdin(Stdio::null()).process_group(0).spawn();
    let (result, exit_code) = match child {
        Ok(mut child) => wait(&mut child, started + limit),
        Err(error) => {
            eprintln!("{name}: cannot be run: {error}");
            (IndividualTestResult::Failed, None)
        }
    };
    IndividualTest { name, result, duration_seconds: started.elapsed().as_secs(), exit_code }
}

fn wait(child: &mut Child, deadline: Instant) -> (IndividualTestResult, Option<i32>) {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                // What it left running would disturb the next one.
                kill_group(child);
                let result = match status.code() {
                    Some(0) => IndividualTestResult::Passed,
                    Some(SKIPPED) => IndividualTestResult::Skipped,
                    _ => IndividualTestResult::Failed,
                };
                return (result, status.code());
            }
            Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(50)),
            _ => {
                kill_group(child);
                // Killed: it ends at once.
                let _ = child.wait();
                return (IndividualTestResult::TimedOut, None);
            }
        }
    }
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

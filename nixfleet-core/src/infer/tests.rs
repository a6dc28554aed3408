//! Tests: does the running system pass its tests?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use super::git::ended;
use crate::Age;
use crate::model::{Action, State};
use crate::observation::{
    IndividualTest, IndividualTestResult, Observation, OperationResult, Reading, TestRun, TestsSetup,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why<'a> {
    NotObserved,
    Disabled,
    NoneFound,
    Running(Age),
    Unreadable(&'a str),
    NeverRun,
    OtherSystem(Age),
    NoResult { run: &'a TestRun, age: Age },
    Passed { run: &'a TestRun, age: Age },
    Failed { run: &'a TestRun, age: Age },
}

pub(super) fn judge(observation: &Observation, now: Timestamp) -> Verdict<'_> {
    match observation.tests {
        TestsSetup::NotObserved => return Verdict::new(State::Unknown, Why::NotObserved),
        TestsSetup::Disabled => return Verdict::new(State::Unknown, Why::Disabled),
        TestsSetup::NoneFound => return Verdict::new(State::Unknown, Why::NoneFound),
        TestsSetup::Found(_) => {}
    }
    if let Some(running) = &observation.operations.test.running {
        return Verdict::new(State::Working, Why::Running(Age::between(running.started_at, now)))
            .action(Action::Wait)
            .since(running.started_at);
    }
    let deployed_at = observation.operations.deployed.as_ref().map(|deployed| deployed.at);
    let Some(run) = &observation.last_test_run else {
        // A run that cannot be read is not a run that never was.
        return observation
            .operations
            .problem
            .as_deref()
            .map_or_else(|| outdated(Why::NeverRun, deployed_at), unreadable);
    };
    if let Reading::Unreadable(sentence) = &observation.system.running {
        return unreadable(sentence);
    }
    let when = run.ended_at.unwrap_or(run.started_at);
    let age = Age::between(when, now);
    let running = observation.system.running.present().map(|running| &running.store_path);
    if running.is_none() || run.store_path.as_ref() != running {
        return outdated(Why::OtherSystem(age), deployed_at);
    }
    match run.result {
        OperationResult::Success => Verdict::new(State::Ok, Why::Passed { run, age }).since(when),
        OperationResult::Failed => {
            Verdict::new(State::Error, Why::Failed { run, age }).action(Action::Rollback).since(when)
        }
        _ => outdated(Why::NoResult { run, age }, Some(when)),
    }
}

fn unreadable(sentence: &str) -> Verdict<'_> {
    Verdict::new(State::Unknown, Why::Unreadable(sentence)).action(Action::CheckConfiguration)
}

fn outdated(why: Why<'_>, since: Option<Timestamp>) -> Verdict<'_> {
    Verdict::new(State::Outdated, why).action(Action::RunTests).since(since)
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotObserved => formatter.write_str("not observed: only a repository is looked at"),
            Self::Disabled => formatter.write_str("tests are disabled in the configuration"),
            Self::NoneFound => formatter.write_str("no tests found in the configuration repository"),
            Self::Running(age) => write!(formatter, "tests have been running for {age}"),
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::NeverRun => formatter.write_str("tests were never run"),
            Self::OtherSystem(age) => write!(formatter, "last run {age} ago, for another system"),
            Self::NoResult { run, age } => write!(formatter, "the last run {} {age} ago", ended(run.result)),
            // Only the run's own result is known.
            Self::Passed { run, age } if run.tests.is_empty() => write!(formatter, "passed {age} ago"),
            Self::Passed { run, age } => {
                write!(formatter, "{} passed{} {age} ago", count(run, IndividualTestResult::Passed), Skipped(run))
            }
            Self::Failed { run, age } => write_failed(formatter, run, *age),
        }
    }
}

fn count(run: &TestRun, result: IndividualTestResult) -> usize {
    run.tests.iter().filter(|test| test.result == result).count()
}

struct Skipped<'a>(&'a TestRun);

impl fmt::Display for Skipped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match count(self.0, IndividualTestResult::Skipped) {
            0 => Ok(()),
            skipped => write!(formatter, ", {skipped} skipped"),
        }
    }
}

/// Names the tests that failed: more than a few are counted, a line stays a line.
fn write_failed(formatter: &mut fmt::Formatter<'_>, run: &TestRun, age: Age) -> fmt::Result {
    const NAMED: usize = 3;
    let is_failed =
        |test: &&IndividualTest| matches!(test.result, IndividualTestResult::Failed | IndividualTestResult::TimedOut);
    let failed = run.tests.iter().filter(is_failed).count();
    if failed == 0 {
        return write!(formatter, "the run failed {age} ago");
    }
    write!(formatter, "{failed} of {} failed {age} ago: ", run.tests.len())?;
    for (index, test) in run.tests.iter().filter(is_failed).take(NAMED).enumerate() {
        write!(formatter, "{}{}", if index == 0 { "" } else { ", " }, test.name)?;
    }
    if failed > NAMED { write!(formatter, " and {} more", failed - NAMED) } else { Ok(()) }
}

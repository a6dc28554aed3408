//! Tests: does the running system pass its tests?

use std::fmt;

use jiff::Timestamp;

use super::Verdict;
use super::git::ended;
use super::running_since::running_since;
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
    NoRepository,
    RepositoryUnreadable,
    Running(Age),
    Unreadable(&'a str),
    NeverRun,
    OtherSystem(Age),
    UnknownSystem(Age),
    NoResult { run: &'a TestRun, age: Age },
    Passed { run: &'a TestRun, age: Age },
    Failed { run: &'a TestRun, age: Age, detail: Option<&'a str> },
}

pub(super) fn judge(observation: &Observation, now: Timestamp) -> Verdict<'_> {
    match observation.tests {
        TestsSetup::NotObserved => return Verdict::new(State::Unknown, Why::NotObserved),
        TestsSetup::Disabled => return Verdict::new(State::Unknown, Why::Disabled),
        TestsSetup::NoneFound => {
            let why = match &observation.repository {
                Reading::Present(_) | Reading::NotObserved => Why::NoneFound,
                Reading::Absent => Why::NoRepository,
                Reading::Unreadable(_) => Why::RepositoryUnreadable,
            };
            return Verdict::new(State::Unknown, why);
        }
        TestsSetup::Found(_) => {}
    }
    if let Some(running) = &observation.operations.test.running {
        return Verdict::new(State::Working, Why::Running(Age::between(running.started_at, now)))
            .action(Action::Wait)
            .since(running.started_at);
    }
    let Some(run) = &observation.last_test_run else {
        // A run that cannot be read is not a run that never was.
        return observation
            .operations
            .problem
            .as_deref()
            .map_or_else(|| outdated(Why::NeverRun, running_since(observation)), unreadable);
    };
    if let Reading::Unreadable(sentence) = &observation.system.running {
        return unreadable(sentence);
    }
    let when = run.ended_at.unwrap_or(run.started_at);
    let age = Age::between(when, now);
    let running = observation.system.running.present().map(|running| &running.store_path);
    match (running, &run.store_path) {
        (Some(running), Some(tested)) if running == tested => {}
        (Some(_), Some(_)) => return outdated(Why::OtherSystem(age), running_since(observation)),
        (None, _) | (_, None) => return outdated(Why::UnknownSystem(age), None),
    }
    match run.result {
        OperationResult::Success => Verdict::new(State::Ok, Why::Passed { run, age }).since(when),
        OperationResult::Failed => {
            Verdict::new(State::Error, Why::Failed { run, age, detail: detail(observation, run) })
                .action(Action::Rollback)
                .since(when)
        }
        _ => outdated(Why::NoResult { run, age }, Some(when)),
    }
}

/// What the journal says of this very run.
fn detail<'a>(observation: &'a Observation, run: &TestRun) -> Option<&'a str> {
    let last = observation.operations.test.last.as_ref().filter(|last| last.started_at == run.started_at)?;
    last.detail.as_deref()
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
            Self::NoneFound => formatter.write_str("the configuration repository has no tests for the running system"),
            Self::NoRepository => formatter.write_str("no tests yet: there is no local repository"),
            Self::RepositoryUnreadable => formatter.write_str("no tests found: the local repository cannot be read"),
            Self::Running(age) => write!(formatter, "the test run {}", age.running()),
            Self::Unreadable(sentence) => formatter.write_str(sentence),
            Self::NeverRun => formatter.write_str("tests were never run"),
            Self::OtherSystem(age) => write!(formatter, "last run {}, for another system", age.ago()),
            Self::UnknownSystem(age) => {
                write!(formatter, "last run {}, not known whether for the running system", age.ago())
            }
            Self::NoResult { run, age } => write!(formatter, "the last run {} {}", ended(run.result), age.ago()),
            Self::Passed { run, age } => write_passed(formatter, run, *age),
            Self::Failed { run, age, detail } => write_failed(formatter, run, *age, *detail),
        }
    }
}

fn count(run: &TestRun, result: IndividualTestResult) -> usize {
    run.tests.iter().filter(|test| test.result == result).count()
}

fn write_passed(formatter: &mut fmt::Formatter<'_>, run: &TestRun, age: Age) -> fmt::Result {
    let ago = age.ago();
    match (count(run, IndividualTestResult::Passed), count(run, IndividualTestResult::Skipped)) {
        // The single tests are not known.
        (0, 0) => write!(formatter, "the run passed {ago}"),
        (passed, 0) => write!(formatter, "{passed} passed {ago}"),
        (0, skipped) => write!(formatter, "none failed {ago}: all {skipped} skipped"),
        (passed, skipped) => write!(formatter, "{passed} passed, {skipped} skipped {ago}"),
    }
}

/// Names the tests that failed: more than a few are counted, a line stays a line.
fn write_failed(formatter: &mut fmt::Formatter<'_>, run: &TestRun, age: Age, detail: Option<&str>) -> fmt::Result {
    const NAMED: usize = 3;
    let ago = age.ago();
    let is_failed =
        |test: &&IndividualTest| matches!(test.result, IndividualTestResult::Failed | IndividualTestResult::TimedOut);
    let failed = run.tests.iter().filter(is_failed).count();
    if failed == 0 {
        write!(formatter, "the run failed {ago}")?;
        return detail.map_or(Ok(()), |detail| write!(formatter, ": {detail}"));
    }
    write!(formatter, "{failed} of {} failed {ago}: ", run.tests.len())?;
    for (index, test) in run.tests.iter().filter(is_failed).take(NAMED).enumerate() {
        write!(formatter, "{}{}", if index == 0 { "" } else { ", " }, test.name)?;
    }
    if failed > NAMED { write!(formatter, " and {} more", failed - NAMED) } else { Ok(()) }
}

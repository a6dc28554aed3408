//! The host's own tests.

use std::fmt;

use nixfleet_core::observation::{IndividualTest, IndividualTestResult, TestRun};
use prometheus_client::encoding::DescriptorEncoder;

use super::bounds;
use super::family::{Family, Kind};
use super::label::Label;

const RESULT: Family<1> = Family {
    name: "nixfleet_test_result",
    help: "Whether the test passed in the last run: 1 passed, 0 failed; of many tests the failed ones first",
    kind: Kind::Gauge,
    labels: ["test"],
};

const COUNT: Family<1> = Family {
    name: "nixfleet_tests",
    help: "Tests of the last run by result; a test that timed out failed",
    kind: Kind::Gauge,
    labels: ["result"],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, last_run: Option<&TestRun>) -> fmt::Result {
    let Some(run) = last_run else { return Ok(()) };
    // By name within the same result: false sorts before true, the failed first.
    let mut judged: Vec<(bool, &str)> =
        run.tests.iter().filter_map(|test| Some((has_passed(test)?, test.name.as_str()))).collect();
    judged.sort_unstable();
    judged.dedup_by_key(|(_, name)| *name);
    let shown = judged.iter().take(bounds::TESTS);
    RESULT.encode(encoder, shown.map(|(passed, name)| ([Label::from(*name)], (*passed).into())))?;
    let count = |passed| run.tests.iter().filter(|test| has_passed(test) == passed).count();
    let counts = [("passed", Some(true)), ("failed", Some(false)), ("skipped", None)];
    COUNT.encode(encoder, counts.map(|(name, passed)| ([Label::from(name)], count(passed).into())))
}

/// Absent for a test that says that it does not apply here.
fn has_passed(test: &IndividualTest) -> Option<bool> {
    match test.result {
        IndividualTestResult::Passed => Some(true),
        IndividualTestResult::Failed | IndividualTestResult::TimedOut => Some(false),
        IndividualTestResult::Skipped => None,
    }
}

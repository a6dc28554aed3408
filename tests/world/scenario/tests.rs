//! Tests of the host.

use nixfleet_core::observation::{IndividualTest, IndividualTestResult, Operation, OperationResult, Phase, TestsSetup};

use super::Host;

impl Host {
    pub fn tests_running(self) -> Self {
        self.running(Operation::Test, Some(Phase::Tests))
    }

    pub fn tests_passed(mut self) -> Self {
        self.tests_end(OperationResult::Success);
        self.ended(Operation::Test, OperationResult::Success)
    }

    pub fn tests_failed(mut self) -> Self {
        self.tests_end(OperationResult::Failed);
        self.ended(Operation::Test, OperationResult::Failed)
    }

    pub fn tests_stopped(mut self) -> Self {
        self.tests_end(OperationResult::Stopped);
        self.ended(Operation::Test, OperationResult::Stopped)
    }

    /// Each of the tests ended like this.
    pub fn each_test(mut self, results: &[IndividualTestResult]) -> Self {
        let run = self.0.last_test_run.as_mut().unwrap();
        run.tests = results
            .iter()
            .enumerate()
            .map(|(index, result)| IndividualTest {
                name: format!("test-{index}"),
                result: *result,
                duration_seconds: 1,
                exit_code: None,
            })
            .collect();
        self
    }

    pub fn tests_are(mut self, setup: TestsSetup) -> Self {
        self.0.tests = setup;
        self
    }
}

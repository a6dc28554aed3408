//! `tests.json`: the last test run, test by test.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;
use crate::observation::{IndividualTest, OperationResult, TestRun};

/// A test run and which one it was, so that what the journal and `tests.json` tell of it can be put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRunRecord {
    /// systemd's id of this run.
    pub invocation_id: String,
    /// The system that ran when the tests started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_path: Option<PathBuf>,
    /// Its revision, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub result: OperationResult,
    /// Of each test, in the order in which they ran.
    #[serde(default)]
    pub tests: Vec<IndividualTest>,
}

impl TestRunRecord {
    /// This run as the journal tells of it, completed with what `tests.json` has where that is of the same run.
    ///
    /// The result is the journal's: `tests.json` is written before the end, and a run may be killed after it.
    #[must_use]
    pub fn completed_from(mut self, file: Option<Self>) -> TestRun {
        if let Some(file) = file.filter(|file| file.invocation_id == self.invocation_id) {
            self.tests = file.tests;
            self.store_path = self.store_path.or(file.store_path);
            self.revision = self.revision.or(file.revision);
        }
        self.into()
    }
}

impl From<TestRunRecord> for TestRun {
    fn from(record: TestRunRecord) -> Self {
        let TestRunRecord { invocation_id: _, store_path, revision, started_at, ended_at, result, tests } = record;
        Self { store_path, revision, started_at, ended_at, result, tests }
    }
}

//! The host's own tests.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::OperationResult;
use crate::Revision;

/// Whether the host has tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestsSetup {
    /// Not looked for: only a repository is observed.
    NotObserved,
    /// Switched off in the configuration.
    Disabled,
    /// The test directory has none, or does not exist, in the commit that runs.
    NoneFound,
    /// So many executables were found.
    Found(u32),
}

/// The last test run, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRun {
    /// The system that ran when the tests started.
    pub store_path: Option<PathBuf>,
    /// Its revision, where known.
    pub revision: Option<Revision>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended, where it did.
    pub ended_at: Option<Timestamp>,
    /// [`OperationResult::Success`]: all passed or were skipped; [`OperationResult::Failed`]: at least one failed.
    pub result: OperationResult,
    /// Of each test, in the order in which they ran.
    pub tests: Vec<IndividualTest>,
}

/// One test of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Eq)]
pub struct IndividualTest {
    /// The file's name.
    pub name: String,
    /// Its result.
    pub result: IndividualTestResult,
    /// How long it ran.
    pub duration_seconds: u64,
    /// Its exit code, where it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// The result of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndividualTestResult {
    /// Exit code 0.
    Passed,
    /// Another exit code, or a signal.
    Failed,
    /// Exit code 77: the test says that it does not apply here.
    Skipped,
    /// It ran longer than allowed. Counts as failed.
    TimedOut,
}

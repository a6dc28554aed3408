//! The entries of the journal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;
use crate::observation::{Operation, OperationResult, Phase};
use crate::state_directory::text_bound::cut;
use crate::state_directory::whole_file::FORMAT_VERSION;

const MAXIMUM_DETAIL_BYTES: usize = 4 * 1024;
const MAXIMUM_FAILING_TESTS: usize = 50;
const MAXIMUM_TEST_NAME_BYTES: usize = 100;

/// One line of the journal; the member `event` says which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum JournalEntry {
    /// An operation started.
    Started(Started),
    /// A running operation says more of itself.
    Progress(Progress),
    /// An operation ended.
    Ended(Ended),
    /// A person allowed a held commit again.
    Released(CommitReleased),
    /// A person held a commit.
    Held(CommitHeld),
    /// What was dropped when the journal was shortened; only the journal itself writes it.
    Checkpoint(Checkpoint),
}

/// An operation started: the first thing that its unit does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Which.
    pub operation: Operation,
    /// Its systemd unit, such as `nixfleet-switch.service`. A unit runs once at a time.
    pub unit: String,
    /// systemd's id of this run (`$INVOCATION_ID`).
    pub invocation_id: String,
    /// The boot that it runs in; absent where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The commit that it is to bring, build, test or go back to, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The commit that it starts from, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_revision: Option<Revision>,
    /// `/run/current-system` when it started: for tests, the system that is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_store_path: Option<PathBuf>,
}

/// A running operation says more of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The run.
    pub invocation_id: String,
    /// When.
    pub at: Timestamp,
    /// The part that it is in from now on.
    pub phase: Phase,
    /// The commit that it works on, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The system that it is about to activate (tests: that it tests), once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_path: Option<PathBuf>,
    /// The system that comes back where the run ends before its next entry; absent where `store_path` stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falls_back_to: Option<PathBuf>,
}

/// An operation ended: the last thing that its unit does, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which.
    pub operation: Operation,
    /// The run.
    pub invocation_id: String,
    /// When.
    pub at: Timestamp,
    /// How.
    pub result: OperationResult,
    /// The exit code of the step that ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it, where one did, as systemd names it: `KILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The part that it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The commit that it worked on; for a rollback the one that it went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
    /// The commit that it started from; for a rollback the one that it stepped back from, which is held from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_revision: Option<Revision>,
    /// `/run/current-system` when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_path: Option<PathBuf>,
    /// The system that it brought, where that one starts at the next boot only; absent where `store_path` is what it brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_boot_store_path: Option<PathBuf>,
    /// The generation that it made, or went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// One line for people, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Of a test operation: how many tests ended how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<TestCounts>,
}

impl Ended {
    /// An end of which nothing but the result is known.
    #[must_use]
    pub const fn new(operation: Operation, invocation_id: String, at: Timestamp, result: OperationResult) -> Self {
        Self {
            operation,
            invocation_id,
            at,
            result,
            exit_code: None,
            signal: None,
            phase: None,
            revision: None,
            from_revision: None,
            store_path: None,
            next_boot_store_path: None,
            generation: None,
            detail: None,
            tests: None,
        }
    }
}

/// How many tests of a run ended how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TestCounts {
    /// Exit code 0.
    pub passed: u64,
    /// Any other, and those that took too long.
    pub failed: u64,
    /// Those that do not apply to this host.
    pub skipped: u64,
    /// The names of the failed ones, the first 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<String>,
}

/// A person allowed a held commit again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitReleased {
    /// When.
    pub at: Timestamp,
    /// The commit.
    pub revision: Revision,
}

/// A person held a commit: it is not deployed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitHeld {
    /// When.
    pub at: Timestamp,
    /// The commit.
    pub revision: Revision,
}

/// What was dropped when the journal was shortened, and before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Of all dropped runs: how many of which operation ended with which result.
    pub totals: BTreeMap<Operation, BTreeMap<OperationResult, u64>>,
}

#[derive(Serialize)]
struct Line<'a> {
    version: u64,
    #[serde(flatten)]
    entry: &'a JournalEntry,
}

impl JournalEntry {
    /// The values of `event`.
    pub(in crate::state_directory) const EVENTS: [&'static str; 6] =
        ["started", "progress", "ended", "released", "held", "checkpoint"];

    /// The run that it is of.
    #[must_use]
    pub fn invocation_id(&self) -> Option<&str> {
        match self {
            Self::Started(started) => Some(&started.invocation_id),
            Self::Progress(progress) => Some(&progress.invocation_id),
            Self::Ended(ended) => Some(&ended.invocation_id),
            Self::Released(_) | Self::Held(_) | Self::Checkpoint(_) => None,
        }
    }

    /// The line without its newline, texts of others cut to their bounds; or what is wrong with the entry.
    pub(super) fn to_line(&self) -> Result<Vec<u8>, String> {
        if self.invocation_id() == Some("") {
            return Err("has no invocation id".to_owned());
        }
        let bounded = match self {
            Self::Ended(ended) => &Self::Ended(ended.bounded()),
            entry => entry,
        };
        let line = Line { version: FORMAT_VERSION, entry: bounded };
        serde_json::to_vec(&line).map_err(|error| format!("cannot be written as JSON: {error}"))
    }
}

impl Ended {
    fn bounded(&self) -> Self {
        let mut ended = self.clone();
        ended.detail = ended.detail.map(|detail| cut(&detail, MAXIMUM_DETAIL_BYTES));
        if let Some(tests) = &mut ended.tests {
            let names = tests.failing.iter().take(MAXIMUM_FAILING_TESTS);
            tests.failing = names.map(|name| cut(name, MAXIMUM_TEST_NAME_BYTES)).collect();
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state_directory::bounded_lines::MAXIMUM_LINE_BYTES;

    #[test]
    fn lines_of_this_version_stay_readable() {
        for line in [
            r#"{"version":1,"event":"started","operation":"switch","unit":"nixfleet-switch.service","invocation_id":"4a3c0f1e5b6d47a98c2b1d0e9f8a7b6c","boot_id":"0b9f8a7e-6c5d-4e3f-8a2b-1c0d9e8f7a6b","at":"2025-03-15T04:00:00Z","revision":"a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4"}"#,
            r#"{"version":1,"event":"progress","invocation_id":"4a3c0f1e5b6d47a98c2b1d0e9f8a7b6c","at":"2025-03-15T04:01:00Z","phase":"activation","store_path":"/nix/store/x-nixos-system-a"}"#,
            r#"{"version":1,"event":"progress","invocation_id":"4a3c0f1e5b6d47a98c2b1d0e9f8a7b6c","at":"2025-03-15T04:01:30Z","phase":"confirmation","store_path":"/nix/store/x-nixos-system-a","falls_back_to":"/nix/store/y-nixos-system-a"}"#,
            r#"{"version":1,"event":"ended","operation":"switch","invocation_id":"4a3c0f1e5b6d47a98c2b1d0e9f8a7b6c","at":"2025-03-15T04:02:00Z","result":"timed-out","exit_code":4,"signal":"KILL","phase":"build","generation":43,"detail":"took too long"}"#,
            r#"{"version":1,"event":"ended","operation":"switch","invocation_id":"4b","at":"2025-03-15T04:02:00Z","result":"success","store_path":"/nix/store/y-nixos-system-a","next_boot_store_path":"/nix/store/x-nixos-system-a","generation":43}"#,
            r#"{"version":1,"event":"ended","operation":"test","invocation_id":"5a","at":"2025-03-15T04:02:00Z","result":"failed","tests":{"passed":3,"failed":1,"skipped":0,"failing":["disk"]}}"#,
            r#"{"version":1,"event":"released","at":"2025-03-15T04:02:00Z","revision":"a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4"}"#,
            r#"{"version":1,"event":"held","at":"2025-03-15T04:02:00Z","revision":"a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4"}"#,
            r#"{"version":1,"event":"checkpoint","totals":{"pull":{"success":7,"timed-out":1}}}"#,
        ] {
            let entry: JournalEntry = serde_json::from_str(line).unwrap();
            assert_eq!(String::from_utf8(entry.to_line().unwrap()).unwrap(), line);
        }
    }

    #[test]
    fn texts_of_others_are_bounded() {
        let entry = JournalEntry::Ended(Ended {
            detail: Some("\"\u{7}\n".repeat(100_000)),
            tests: Some(TestCounts { failing: vec!["\\".repeat(5_000); 5_000], ..TestCounts::default() }),
            ..Ended::new(Operation::Test, "5a".to_owned(), Timestamp::UNIX_EPOCH, OperationResult::Failed)
        });
        let line = entry.to_line().unwrap();
        assert!(line.len() < MAXIMUM_LINE_BYTES, "{}", line.len());
        let JournalEntry::Ended(read) = serde_json::from_slice(&line).unwrap() else { panic!("not what was written") };
        assert!(read.detail.unwrap().ends_with('…'));
        assert_eq!(read.tests.unwrap().failing.len(), MAXIMUM_FAILING_TESTS);
    }
}

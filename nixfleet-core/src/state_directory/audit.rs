//! `audit.jsonl`: who asked for what, and what came of it.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::append_log::AppendLog;
use super::log_reader::{self, LineWarnings};
use super::text_bound::cut;
use super::whole_file::FORMAT_VERSION;
use super::{StateError, bounded_lines};

/// Shortened beyond this …
const MAXIMUM_BYTES: u64 = 4 * 1024 * 1024;
/// … to the newest entries of at most this.
const KEPT_BYTES: usize = 2 * 1024 * 1024;
const MAXIMUM_TEXT_BYTES: usize = 1024;

/// Something that a person, or the agent in its own name, asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: a user's name, or `agent`.
    pub who: String,
    /// What, such as `switch` or `pr merge`.
    pub action: String,
    /// On what, such as a commit, a generation or a pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What came of it, such as `started`, `success` or `refused`.
    pub outcome: String,
    /// One line for people, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What the audit log has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditContents {
    /// The entries, oldest first.
    pub entries: Vec<AuditEntry>,
    /// The lines that were skipped.
    pub warnings: LineWarnings,
}

/// The log. It is only appended to; the oldest entries are dropped when it reaches 4 MiB.
#[derive(Debug)]
pub struct AuditLog {
    log: AppendLog,
}

#[derive(Serialize)]
struct Line {
    version: u64,
    #[serde(flatten)]
    entry: AuditEntry,
}

impl AuditLog {
    pub(super) fn in_directory(directory: &Path) -> Self {
        let (path, lock_path) = (directory.join("audit.jsonl"), directory.join("audit.lock"));
        Self { log: AppendLog { path, lock_path, maximum_bytes: MAXIMUM_BYTES } }
    }

    /// Appends an entry; it is on the disk when this returns. Texts longer than 1024 bytes are cut.
    pub fn append(&self, entry: &AuditEntry) -> Result<(), StateError> {
        let bounded = |text: &String| cut(text, MAXIMUM_TEXT_BYTES);
        let entry = AuditEntry {
            at: entry.at,
            who: bounded(&entry.who),
            action: bounded(&entry.action),
            on: entry.on.as_ref().map(bounded),
            outcome: bounded(&entry.outcome),
            detail: entry.detail.as_ref().map(bounded),
        };
        let line = serde_json::to_vec(&Line { version: FORMAT_VERSION, entry }).map_err(|error| {
            StateError::InvalidEntry { path: self.log.path.clone(), problem: format!("is no JSON: {error}") }
        })?;
        self.log.append(&line, newest_lines)
    }

    /// All entries; none where there is no log yet.
    pub fn read(&self) -> Result<AuditContents, StateError> {
        let log = log_reader::read::<AuditEntry>(&self.log.path, None)?;
        let entries = log.lines.into_iter().filter_map(|line| line.entry).collect();
        Ok(AuditContents { entries, warnings: log.warnings })
    }
}

fn newest_lines(path: &Path) -> Result<Vec<u8>, StateError> {
    const _: () = assert!(bounded_lines::MAXIMUM_LINE_BYTES < KEPT_BYTES, "the newest entry always fits");
    let lines = log_reader::read::<AuditEntry>(path, None)?.lines;
    let mut bytes = 0;
    let fits = |line: &&log_reader::LogLine<_>| {
        bytes += line.bytes.len() + 1;
        bytes <= KEPT_BYTES
    };
    let kept = lines.iter().rev().take_while(fits).count();
    let newest = lines.iter().skip(lines.len() - kept);
    Ok(newest.flat_map(|line| line.bytes.iter().copied().chain(*b"\n")).collect())
}

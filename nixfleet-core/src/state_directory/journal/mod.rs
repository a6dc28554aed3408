//! `journal.jsonl`: what operations did.

mod context;
mod entry;
mod fold;
mod hold;
mod pulled;
mod rotation;
mod runs;
#[cfg(test)]
mod samples;

use std::path::Path;
use std::time::Duration;

pub use context::FoldContext;
pub use entry::{Checkpoint, CommitHeld, CommitReleased, Ended, JournalEntry, Progress, Started, TestCounts};
pub use fold::{JournalHistory, history};

use super::append_log::AppendLog;
use super::log_reader::{self, LineWarnings, Log};
use super::{StateError, text_bound};

/// Shortened beyond this …
const MAXIMUM_BYTES: u64 = 1024 * 1024;
/// … to the newest entries of at most this, and those that are needed whatever their age.
const KEPT_BYTES: usize = 512 * 1024;

/// The journal of operations.
///
/// Any number of processes may append and read at once. Readers need no lock.
#[derive(Debug)]
pub struct Journal {
    log: AppendLog,
    kept_bytes: usize,
}

/// What the journal has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JournalContents {
    /// The entries in the order of their lines, oldest first. A clock may jump back, this order does not.
    pub entries: Vec<JournalEntry>,
    /// The lines that were skipped.
    pub warnings: LineWarnings,
}

impl Journal {
    pub(super) fn in_directory(directory: &Path) -> Self {
        let (path, lock_path) = (directory.join("journal.jsonl"), directory.join("journal.lock"));
        Self { log: AppendLog { path, lock_path, maximum_bytes: MAXIMUM_BYTES }, kept_bytes: KEPT_BYTES }
    }

    /// Shortens the journal beyond `maximum_bytes` (default: 1 MiB) to some `kept_bytes` (default: 512 KiB).
    #[must_use]
    pub fn with_bounds(mut self, maximum_bytes: u64, kept_bytes: usize) -> Self {
        self.log.maximum_bytes = maximum_bytes;
        self.kept_bytes = kept_bytes;
        self
    }

    /// Appends an entry; it is on the disk when this returns, or nothing of it is in the journal.
    ///
    /// `detail` is cut to 4 KiB, the list of failing tests to 50 names of 100 bytes.
    pub fn append(&self, entry: &JournalEntry) -> Result<(), StateError> {
        let invalid = |problem: String| StateError::InvalidEntry { path: self.log.path.clone(), problem };
        let line = entry.to_line().map_err(invalid)?;
        self.log.append(&line, |path| {
            let log = log_reader::read(path, Some(&JournalEntry::EVENTS))?;
            rotation::shortened(&log.lines, self.kept_bytes).map_err(invalid)
        })
    }

    /// All entries; none where there is no journal yet.
    pub fn read(&self) -> Result<JournalContents, StateError> {
        let mut log = self.read_once()?;
        for _ in 0..2 {
            if !log.torn {
                break;
            }
            // Perhaps its writer is just writing the rest.
            std::thread::sleep(Duration::from_millis(2));
            log = self.read_once()?;
        }
        let entries = log.lines.into_iter().filter_map(|line| line.entry).collect();
        Ok(JournalContents { entries, warnings: log.warnings })
    }

    fn read_once(&self) -> Result<Log<JournalEntry>, StateError> {
        log_reader::read(&self.log.path, Some(&JournalEntry::EVENTS))
    }
}

impl JournalContents {
    /// What the entries tell together, with what was skipped as [`problem`](crate::observation::OperationHistory::problem).
    #[must_use]
    pub fn history(&self, context: &FoldContext) -> JournalHistory {
        let mut history = history(&self.entries, context);
        history.operations.problem = self.problem();
        history
    }

    /// What was skipped, in one sentence; `None` where nothing was.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let first = self.warnings.first.first()?;
        let others = match self.warnings.count {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let first = text_bound::cut(&first.to_string(), 300);
        Some(format!(
            "lines of the journal of operations were skipped: {first}{others}; a crash or another version of nixfleet left \
             them, all other lines count"
        ))
    }
}

//! What the policy needs of the past, from the entries of the journal: it is computed anew for each decision, so that an
//! agent that is killed forgets nothing.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::observation::{Operation, OperationResult};
use nixfleet_core::state_directory::JournalEntry;

/// The past, as far as the policy asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Memory {
    /// Commits whose switch came to an end of any kind, and that nobody released since.
    pub(crate) tried: BTreeSet<Revision>,
    /// How often a switch to a commit was begun and has no end of its own: the machine went down, or it was lost.
    pub(crate) broken_off: HashMap<Revision, u32>,
    /// Commits that a rollback, successful or not, stepped back from.
    pub(crate) rolled_back_from: BTreeSet<Revision>,
    /// The pulls that failed since the last one that did not.
    pub(crate) failed_pulls: FailedPulls,
    /// The test runs since the last deployment that succeeded.
    pub(crate) tests: Vec<TestOfSystem>,
}

/// Pulls that failed in a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FailedPulls {
    pub(crate) count: u32,
    pub(crate) last_at: Option<Timestamp>,
    /// The commit that the last one was to bring, where it came to know it.
    pub(crate) revision: Option<Revision>,
}

/// A test run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestOfSystem {
    /// The system that was tested.
    pub(crate) store_path: Option<PathBuf>,
    /// Absent where it runs, was lost, or the machine went down in it.
    pub(crate) result: Option<OperationResult>,
}

/// One run, as far as its entries tell.
#[derive(Default)]
struct Run<'a> {
    /// The index of its last entry.
    line: usize,
    operation: Option<Operation>,
    at: Option<Timestamp>,
    revision: Option<&'a Revision>,
    from_revision: Option<&'a Revision>,
    from_store_path: Option<&'a Path>,
    result: Option<OperationResult>,
}

impl Memory {
    /// From the entries in the order of their lines.
    pub(crate) fn of(entries: &[JournalEntry]) -> Self {
        let mut runs: Vec<Run<'_>> = runs(entries).into_values().collect();
        // What was broken off lies where its last word lies, before all that came after.
        runs.sort_unstable_by_key(|run| run.line);
        let mut runs = runs.into_iter().peekable();
        let mut memory = Self::default();
        for (line, entry) in entries.iter().enumerate() {
            if let Some(run) = runs.next_if(|run| run.line == line) {
                memory.add(&run);
            }
            if let JournalEntry::Released(released) = entry {
                memory.tried.remove(&released.revision);
                memory.broken_off.remove(&released.revision);
            }
        }
        memory
    }

    /// The test runs of this system.
    pub(crate) fn tests_of<'a>(&'a self, store_path: &'a Path) -> impl Iterator<Item = &'a TestOfSystem> {
        self.tests.iter().filter(move |test| test.store_path.as_deref() == Some(store_path))
    }

    fn add(&mut self, run: &Run<'_>) {
        // What ended with the machine had no chance to show what it is worth.
        let ended = !matches!(run.result, None | Some(OperationResult::Interrupted | OperationResult::Lost));
        let succeeded = run.result == Some(OperationResult::Success);
        match run.operation {
            Some(Operation::Pull) if succeeded => self.failed_pulls = FailedPulls::default(),
            Some(Operation::Pull) => {
                self.failed_pulls = FailedPulls {
                    count: self.failed_pulls.count.saturating_add(1),
                    last_at: run.at,
                    revision: run.revision.cloned(),
                };
            }
            Some(Operation::Switch) => {
                if let Some(revision) = run.revision {
                    if ended {
                        self.tried.insert(revision.clone());
                    } else {
                        *self.broken_off.entry(revision.clone()).or_default() += 1;
                    }
                }
            }
            Some(Operation::Rollback) => self.rolled_back_from.extend(run.from_revision.cloned()),
            Some(Operation::Test) => self.tests.push(TestOfSystem {
                store_path: run.from_store_path.map(Path::to_owned),
                result: run.result.filter(|_| ended),
            }),
            None => {}
        }
        if succeeded && matches!(run.operation, Some(Operation::Switch | Operation::Rollback)) {
            self.tests.clear();
        }
    }
}

fn runs(entries: &[JournalEntry]) -> HashMap<&str, Run<'_>> {
    let mut runs: HashMap<&str, Run<'_>> = HashMap::new();
    for (line, entry) in entries.iter().enumerate() {
        let Some(invocation_id) = entry.invocation_id() else { continue };
        let run = runs.entry(invocation_id).or_default();
        if run.result.is_some() {
            // Nothing counts after the first end.
            continue;
        }
        run.line = line;
        match entry {
            JournalEntry::Started(started) => {
                run.operation = Some(started.operation);
                run.at = Some(started.at);
                run.revision = started.revision.as_ref();
                run.from_revision = started.from_revision.as_ref();
                run.from_store_path = started.from_store_path.as_deref();
            }
            JournalEntry::Progress(progress) => run.revision = progress.revision.as_ref().or(run.revision),
            JournalEntry::Ended(ended) => {
                run.operation = run.operation.or(Some(ended.operation));
                run.at = Some(ended.at);
                run.revision = ended.revision.as_ref().or(run.revision);
                run.from_revision = ended.from_revision.as_ref().or(run.from_revision);
                run.result = Some(ended.result);
            }
            JournalEntry::Held(_) | JournalEntry::Released(_) | JournalEntry::Checkpoint(_) => {}
        }
    }
    runs
}

//! The entries put together by run.

use std::collections::HashMap;
use std::path::Path;

use super::{Ended, JournalEntry, Started};
use crate::Revision;
use crate::observation::{Operation, OperationResult, Phase};

/// One run of an operation. Where entries of it differ, the later one counts; nothing counts after its first end.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) invocation_id: &'a str,
    started: Option<(usize, &'a Started)>,
    ended: Option<(usize, &'a Ended)>,
    /// Another run of its unit started after the last that is known of it: it cannot run any more.
    superseded: Option<OperationResult>,
    /// The indices of all its entries, also of those that do not count.
    pub(super) lines: Vec<usize>,
    /// The index of the last entry that counts.
    pub(super) last_line: usize,
    pub(super) phase: Option<Phase>,
    pub(super) revision: Option<&'a Revision>,
    pub(super) from_revision: Option<&'a Revision>,
    /// The system that it was about to activate, or that it tests.
    pub(super) target: Option<&'a Path>,
}

impl<'a> Run<'a> {
    fn new(invocation_id: &'a str) -> Self {
        Self {
            invocation_id,
            started: None,
            ended: None,
            superseded: None,
            lines: Vec::new(),
            last_line: 0,
            phase: None,
            revision: None,
            from_revision: None,
            target: None,
        }
    }

    /// The entries' runs, in the order of their first lines.
    pub(super) fn all(entries: impl Iterator<Item = (usize, &'a JournalEntry)>) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (line, entry) in entries {
            let Some(invocation_id) = entry.invocation_id() else { continue };
            let position = *known.entry(invocation_id).or_insert(runs.len());
            if position == runs.len() {
                runs.push(Self::new(invocation_id));
            }
            if let Some(run) = runs.get_mut(position) {
                run.add(line, entry);
            }
        }
        supersede(&mut runs);
        runs
    }

    fn add(&mut self, line: usize, entry: &'a JournalEntry) {
        self.lines.push(line);
        if self.ended.is_some() {
            return;
        }
        self.last_line = line;
        match entry {
            JournalEntry::Started(started) => {
                self.started = self.started.or(Some((line, started)));
                self.revision = started.revision.as_ref().or(self.revision);
                self.from_revision = started.from_revision.as_ref().or(self.from_revision);
            }
            JournalEntry::Progress(progress) => {
                self.phase = Some(progress.phase);
                self.revision = progress.revision.as_ref().or(self.revision);
                self.target = progress.store_path.as_deref().or(self.target);
            }
            JournalEntry::Ended(ended) => {
                self.ended = Some((line, ended));
                self.phase = ended.phase.or(self.phase);
                self.revision = ended.revision.as_ref().or(self.revision);
                self.from_revision = ended.from_revision.as_ref().or(self.from_revision);
            }
            JournalEntry::Released(_) | JournalEntry::Held(_) | JournalEntry::Checkpoint(_) => {}
        }
    }

    /// Which operation; `None` where the entries that say it were torn away.
    pub(super) fn operation(&self) -> Option<Operation> {
        let started = self.started.map(|(_, started)| started.operation);
        started.or(self.ended.map(|(_, ended)| ended.operation))
    }

    pub(super) fn started(&self) -> Option<&'a Started> {
        self.started.map(|(_, started)| started)
    }

    pub(super) fn ended(&self) -> Option<&'a Ended> {
        self.ended.map(|(_, ended)| ended)
    }

    pub(super) fn succeeded(&self) -> bool {
        self.ended().is_some_and(|ended| ended.result == OperationResult::Success)
    }

    /// How it ended, as far as the journal alone tells.
    pub(super) fn settled(&self) -> Option<OperationResult> {
        self.ended().map(|ended| ended.result).or(self.superseded)
    }
}

/// A start of a unit: at which line, in which boot.
type Start<'a> = (usize, Option<&'a str>);

/// Marks the runs that have no end and whose unit runs, or ran, again.
///
/// In the same boot its end was lost; in another one the machine went down.
fn supersede(runs: &mut [Run<'_>]) {
    let mut starts: HashMap<(Operation, &str), Vec<Start<'_>>> = HashMap::new();
    for (line, started) in runs.iter().filter_map(|run| run.started) {
        let unit = (started.operation, started.unit.as_str());
        starts.entry(unit).or_default().push((line, started.boot_id.as_deref()));
    }
    for of_unit in starts.values_mut() {
        of_unit.sort_unstable();
    }
    for run in runs.iter_mut().filter(|run| run.ended.is_none()) {
        let Some((_, started)) = run.started else { continue };
        let Some(of_unit) = starts.get(&(started.operation, started.unit.as_str())) else { continue };
        let next = of_unit.partition_point(|(line, _)| *line <= run.last_line);
        run.superseded = of_unit.get(next).map(|(_, boot_id)| match (started.boot_id.as_deref(), boot_id) {
            (Some(own), Some(next)) if own != *next => OperationResult::Interrupted,
            _ => OperationResult::Lost,
        });
    }
}

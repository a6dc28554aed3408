//! Shortening the journal so that it tells the same as before. Pure: no I/O.

use std::collections::{BTreeMap, BTreeSet};

use super::hold::Hold;
use super::pulled::last_move;
use super::runs::Run;
use super::{Checkpoint, JournalEntry};
use crate::observation::{Operation, OperationResult};
use crate::state_directory::log_reader::LogLine;

/// What a shortened journal has: the checkpoint, and of the former lines those with these indices.
#[derive(Debug)]
pub(super) struct Shortened {
    pub(super) checkpoint: Checkpoint,
    pub(super) kept: Vec<usize>,
}

/// The content of the shortened journal; what is wrong with the checkpoint otherwise.
pub(super) fn shortened(lines: &[LogLine<JournalEntry>], kept_bytes: usize) -> Result<Vec<u8>, String> {
    let entries: Vec<_> = lines.iter().map(|line| line.entry.as_ref()).collect();
    let sizes: Vec<_> = lines.iter().map(|line| line.bytes.len() + 1).collect();
    let Shortened { checkpoint, kept } = plan(&entries, &sizes, kept_bytes);
    let mut content = JournalEntry::Checkpoint(checkpoint).to_line()?;
    content.push(b'\n');
    for line in kept.into_iter().filter_map(|index| lines.get(index)) {
        content.extend_from_slice(&line.bytes);
        content.push(b'\n');
    }
    Ok(content)
}

/// What is kept or dropped together: a run, or one entry that belongs to none.
struct Group {
    lines: Vec<usize>,
    last_line: usize,
    needed: bool,
    settled: Option<(Operation, OperationResult)>,
}

/// Keeps what the history is made of, and the newest others up to `kept_bytes`.
///
/// `entries` are the lines in their order, `None` where a line is another nixfleet's; `sizes` their lengths.
pub(super) fn plan(entries: &[Option<&JournalEntry>], sizes: &[usize], kept_bytes: usize) -> Shortened {
    let known = || entries.iter().enumerate().filter_map(|(line, entry)| Some((line, (*entry)?)));
    let runs = Run::all(known());
    let hold = Hold::follow(known(), &runs);
    let needed_lines = needed_lines(&runs, &hold);

    let mut checkpoint = Checkpoint::default();
    let mut groups: Vec<Group> = runs.iter().map(|run| of_run(run, &needed_lines)).collect();
    for (line, entry) in entries.iter().enumerate() {
        match entry {
            Some(JournalEntry::Checkpoint(former)) => checkpoint.add_all(former),
            Some(entry) if entry.invocation_id().is_some() => {}
            _ => {
                let needed = needed_lines.contains(&line);
                groups.push(Group { lines: vec![line], last_line: line, needed, settled: None });
            }
        }
    }

    // The order of last lines keeps with a run whose end is not known all that started in its unit since.
    groups.sort_unstable_by_key(|group| std::cmp::Reverse(group.last_line));
    let mut kept = Vec::new();
    let mut bytes = 0_usize;
    let mut room = true;
    for group in groups {
        let group_bytes: usize = group.lines.iter().filter_map(|line| sizes.get(*line)).sum();
        bytes = bytes.saturating_add(group_bytes);
        room = room && bytes <= kept_bytes;
        if room || group.needed {
            kept.extend(group.lines);
        } else if let Some((operation, result)) = group.settled {
            checkpoint.add(operation, result, 1);
        }
    }
    kept.sort_unstable();
    Shortened { checkpoint, kept }
}

fn of_run(run: &Run<'_>, needed_lines: &BTreeSet<usize>) -> Group {
    let operation = run.operation();
    // A run that may still go on is needed too. Without its start nothing can be told of it, now or later.
    let may_run = operation.is_some() && run.settled().is_none();
    Group {
        lines: run.lines.clone(),
        last_line: run.last_line,
        needed: may_run || needed_lines.contains(&run.last_line),
        settled: operation.zip(run.settled()),
    }
}

/// The last lines of the runs, and the entries, that the history is made of.
fn needed_lines(runs: &[Run<'_>], hold: &Hold) -> BTreeSet<usize> {
    let mut last = BTreeMap::new();
    let mut last_success = BTreeMap::new();
    let later = |latest: &mut BTreeMap<Operation, usize>, operation, line: usize| {
        let latest = latest.entry(operation).or_insert(line);
        *latest = line.max(*latest);
    };
    for run in runs {
        let Some(operation) = run.operation() else { continue };
        if run.settled().is_some() {
            later(&mut last, operation, run.last_line);
        }
        if run.succeeded() {
            later(&mut last_success, operation, run.last_line);
        }
    }
    let moved = last_move(runs).map(|pull| pull.last_line);
    let of_hold = hold.set_by.into_iter().chain(hold.cleared_by);
    last.into_values().chain(last_success.into_values()).chain(moved).chain(of_hold).collect()
}

impl Checkpoint {
    fn add(&mut self, operation: Operation, result: OperationResult, count: u64) {
        let total = self.totals.entry(operation).or_default().entry(result).or_default();
        *total = total.saturating_add(count);
    }

    fn add_all(&mut self, other: &Self) {
        for (operation, totals) in &other.totals {
            for (result, count) in totals {
                self.add(*operation, *result, *count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::samples::{any_context, any_entry, real_journal};
    use super::super::{FoldContext, history};
    use super::*;

    fn shorten(entries: &[JournalEntry], kept: usize) -> Vec<JournalEntry> {
        let lines: Vec<_> = entries.iter().map(Some).collect();
        let Shortened { checkpoint, kept } = plan(&lines, &vec![1; entries.len()], kept);
        let checkpoint = JournalEntry::Checkpoint(checkpoint);
        std::iter::once(checkpoint).chain(kept.into_iter().map(|index| entries[index].clone())).collect()
    }

    proptest! {
        #[test]
        fn the_history_of_any_entries_stays_the_same(
            entries in vec(any_entry(), 0..60), kept in 0_usize..70, context in any_context(),
        ) {
            let short = shorten(&entries, kept);
            prop_assert_eq!(history(&short, &context), history(&entries, &context));
        }

        #[test]
        fn what_is_appended_afterwards_means_the_same(
            entries in real_journal(120), kept in 0_usize..40, cut in 0_usize..120, context in any_context(),
        ) {
            let (before, after) = entries.split_at(cut.min(entries.len()));
            let once = [&shorten(before, kept), after].concat();
            prop_assert_eq!(history(&once, &context), history(&entries, &context));
            let twice = shorten(&once, kept);
            prop_assert_eq!(history(&twice, &context), history(&entries, &context));
        }

        #[test]
        fn a_journal_of_units_gets_short(entries in real_journal(150), kept in 0_usize..50) {
            let short = shorten(&entries, kept);
            let longest_run = Run::all(entries.iter().enumerate()).iter().map(|run| run.lines.len()).max().unwrap_or(0);
            // Of four operations the last run and the last success, the pull that moved HEAD, of five units the open run,
            // two for the hold, a checkpoint.
            prop_assert!(short.len() <= kept + 16 * longest_run + 3, "{} of {}", short.len(), entries.len());
        }
    }

    #[test]
    fn the_newest_entries_stay_and_those_of_another_nixfleet_among_them() {
        let context = FoldContext { boot_id: None, live_invocations: None, now: Timestamp::UNIX_EPOCH };
        let at = Timestamp::UNIX_EPOCH;
        let held = JournalEntry::Held(super::super::CommitHeld { at, revision: super::super::samples::revision('a') });
        let lines = [Some(&held), None, Some(&held), None, Some(&held), None];
        assert_eq!(plan(&lines, &[1; 6], 2).kept, [4, 5]);
        assert_eq!(plan(&lines, &[1; 6], 0).kept, [4]);
        assert_eq!(plan(&lines, &[100; 6], 350).kept, [3, 4, 5]);
        assert!(history(std::slice::from_ref(&held), &context).operations.held.is_some());
    }
}

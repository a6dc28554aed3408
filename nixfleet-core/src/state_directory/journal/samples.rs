//! Journals for property tests: any entries at all, and those that real units write.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Checkpoint, CommitHeld, CommitReleased, Ended, FoldContext, JournalEntry, Progress, Started, TestCounts};
use crate::Revision;
use crate::observation::{Operation, OperationResult, Phase};

pub(super) fn revision(letter: char) -> Revision {
    letter.to_string().repeat(40).parse().unwrap()
}

fn revisions() -> impl Strategy<Value = Revision> {
    select(vec!['a', 'b', 'c']).prop_map(revision)
}

fn times() -> impl Strategy<Value = Timestamp> {
    // Few enough that many are equal, and in no order.
    (0_i64..100).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn ids() -> impl Strategy<Value = String> {
    select(vec!["1", "2", "3", "4", "5", "6", "7", "8"]).prop_map(str::to_owned)
}

fn boots() -> impl Strategy<Value = Option<String>> {
    option::of(select(vec!["x", "y", "z"]).prop_map(str::to_owned))
}

fn operations() -> impl Strategy<Value = Operation> {
    select(Operation::ALL.to_vec())
}

fn results() -> impl Strategy<Value = OperationResult> {
    prop_oneof![Just(OperationResult::Success), select(OperationResult::ALL.to_vec())]
}

fn paths() -> impl Strategy<Value = Option<std::path::PathBuf>> {
    option::of(select(vec!["/nix/store/a", "/nix/store/b"]).prop_map(Into::into))
}

fn phases() -> impl Strategy<Value = Phase> {
    select(vec![Phase::Fetch, Phase::Build, Phase::Activation, Phase::Confirmation])
}

fn started() -> impl Strategy<Value = JournalEntry> {
    let units = select(vec!["u.service", "v.service"]);
    (operations(), units, ids(), boots(), times(), option::of(revisions()), option::of(revisions()), paths()).prop_map(
        |(operation, unit, invocation_id, boot_id, at, revision, from_revision, from_store_path)| {
            let unit = unit.to_owned();
            JournalEntry::Started(Started {
                operation,
                unit,
                invocation_id,
                boot_id,
                at,
                revision,
                from_revision,
                from_store_path,
            })
        },
    )
}

fn ended() -> impl Strategy<Value = JournalEntry> {
    let revisions = (option::of(revisions()), option::of(revisions()));
    let tests = option::of((0_u64..3, vec("[a-c]", 0..8)));
    let generation = option::of(0_u64..9);
    (operations(), ids(), times(), results(), option::of(phases()), revisions, paths(), generation, tests).prop_map(
        |(operation, invocation_id, at, result, phase, (revision, from_revision), store_path, generation, tests)| {
            JournalEntry::Ended(Ended {
                operation,
                invocation_id,
                at,
                result,
                exit_code: None,
                signal: None,
                phase,
                revision,
                from_revision,
                store_path,
                next_boot_store_path: None,
                generation,
                detail: None,
                tests: tests.map(|(failed, failing)| TestCounts { failed, failing, ..TestCounts::default() }),
            })
        },
    )
}

/// Any entry.
pub(super) fn any_entry() -> impl Strategy<Value = JournalEntry> {
    let progress = (ids(), times(), phases(), option::of(revisions()), paths());
    let totals = (operations(), results(), prop_oneof![0_u64..5, Just(u64::MAX)]);
    prop_oneof![
        4 => started(),
        4 => ended(),
        2 => progress.prop_map(|(invocation_id, at, phase, revision, store_path)| {
            JournalEntry::Progress(Progress { invocation_id, at, phase, revision, store_path, falls_back_to: None })
        }),
        1 => (times(), revisions()).prop_map(|(at, revision)| JournalEntry::Released(CommitReleased { at, revision })),
        1 => (times(), revisions()).prop_map(|(at, revision)| JournalEntry::Held(CommitHeld { at, revision })),
        1 => totals.prop_map(|(operation, result, count)| {
            let totals = BTreeMap::from([(operation, BTreeMap::from([(result, count)]))]);
            JournalEntry::Checkpoint(Checkpoint { totals })
        }),
    ]
}

/// Any machine.
pub(super) fn any_context() -> impl Strategy<Value = FoldContext> {
    (boots(), option::of(btree_set(ids(), 0..4)), times()).prop_map(|(boot_id, live_invocations, now)| FoldContext {
        boot_id,
        live_invocations,
        now,
    })
}

/// A journal as units write it: a unit runs once at a time, and each run has its own id. Runs may vanish without an end,
/// and the machine may go down.
pub(super) fn real_journal(length: usize) -> impl Strategy<Value = Vec<JournalEntry>> {
    let step = (0_u8..12, 0_usize..5, started(), ended());
    vec(step, 0..length).prop_map(|steps| {
        let mut running: [Option<String>; 5] = Default::default();
        let (mut boot, mut next_id, mut entries) = (0_u32, 0_u32, Vec::new());
        for (action, unit, start, end) in steps {
            let operation = [Operation::Pull, Operation::Switch, Operation::Test, Operation::Rollback][unit.min(3)];
            let (JournalEntry::Started(mut start), JournalEntry::Ended(mut end)) = (start, end) else { continue };
            match (action, running[unit].clone()) {
                (0, _) => {
                    boot += 1;
                    running = Default::default();
                }
                (1, _) => running[unit] = None,
                (2, _) => entries.push(JournalEntry::Held(CommitHeld { at: end.at, revision: revision('a') })),
                (3, _) => entries.push(JournalEntry::Released(CommitReleased { at: end.at, revision: revision('a') })),
                (4, Some(invocation_id)) => entries.push(JournalEntry::Progress(Progress {
                    invocation_id,
                    at: end.at,
                    phase: Phase::Build,
                    revision: end.revision,
                    store_path: end.store_path,
                    falls_back_to: None,
                })),
                (_, Some(invocation_id)) => {
                    (end.operation, end.invocation_id) = (operation, invocation_id);
                    entries.push(JournalEntry::Ended(end));
                    running[unit] = None;
                }
                (_, None) => {
                    next_id += 1;
                    (start.operation, start.unit) = (operation, format!("unit-{unit}.service"));
                    (start.invocation_id, start.boot_id) = (next_id.to_string(), Some(boot.to_string()));
                    running[unit] = Some(start.invocation_id.clone());
                    entries.push(JournalEntry::Started(start));
                }
            }
        }
        entries
    })
}

//! What the journal's entries tell together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]
#![allow(clippy::needless_pass_by_value, reason = "entries read better without a reference to each of their members")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use nixfleet_core::Revision;
use nixfleet_core::observation::{
    IndividualTest, IndividualTestResult, Operation, OperationHistory, OperationResult, Phase,
};
use nixfleet_core::state_directory::{FoldContext, JournalEntry, JournalHistory, TestRunRecord, history};
use serde_json::{Value, json};

fn revision(letter: char) -> Revision {
    letter.to_string().repeat(40).parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An entry as it is in the file; the given members are added.
fn entry(event: &str, second: i64, members: Value) -> JournalEntry {
    let mut line = json!({"event": event, "at": at(second)});
    line.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(line).unwrap()
}

fn started(operation: Operation, id: &str, boot: &str, second: i64) -> JournalEntry {
    let unit = format!("nixfleet-{operation}.service");
    entry("started", second, json!({"operation": operation, "unit": unit, "invocation_id": id, "boot_id": boot}))
}

fn ended(operation: Operation, id: &str, second: i64, result: OperationResult, members: Value) -> JournalEntry {
    let mut all = json!({"operation": operation, "invocation_id": id, "result": result});
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    entry("ended", second, all)
}

/// Boot "x", 1000 seconds after the epoch; systemd has the runs with these ids.
fn tell(entries: &[JournalEntry], live: &[&str]) -> JournalHistory {
    let live_invocations = Some(live.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>());
    history(entries, &FoldContext { boot_id: Some("x".to_owned()), live_invocations, now: at(1000) })
}

fn operations(entries: &[JournalEntry]) -> OperationHistory {
    tell(entries, &[]).operations
}

use Operation::{Pull, Rollback, Switch, Test};
use OperationResult::{Failed, Interrupted, Killed, Lost, Success};

#[test]
fn a_run_without_a_result_is_running_interrupted_or_lost() {
    // boot, started at, systemd has it, what it is (None: running)
    let table = [
        ("x", 100, true, None),
        ("x", 100, false, Some(Lost)),
        ("x", 995, false, None),
        ("x", 989, false, Some(Lost)),
        ("x", 5000, false, Some(Lost)),
        ("y", 100, false, Some(Interrupted)),
        ("y", 999, true, Some(Interrupted)),
    ];
    for (boot, start, is_live, expected) in table {
        let live: &[&str] = if is_live { &["1"] } else { &[] };
        let record = tell(&[started(Switch, "1", boot, start)], live).operations.switch;
        assert_eq!(record.running.is_some(), expected.is_none(), "{boot} {start} {is_live}");
        assert_eq!(record.last.as_ref().map(|last| last.result), expected, "{boot} {start} {is_live}");
        assert_eq!(record.totals.values().sum::<u64>(), u64::from(expected.is_some()));
        assert!(record.last.is_none_or(|last| last.ended_at.is_none() && last.store_path.is_none()));
    }
}

#[test]
fn without_a_word_of_systemd_or_the_kernel_a_run_goes_on() {
    let context = FoldContext { boot_id: None, live_invocations: None, now: at(1_000_000) };
    let entries = [started(Switch, "1", "y", 100)];
    assert!(history(&entries, &context).operations.switch.running.is_some());
    // Its unit runs again: even so it is known that the first one ended.
    let again = [started(Switch, "1", "y", 100), started(Switch, "2", "y", 200)];
    let record = history(&again, &context).operations.switch;
    assert_eq!(record.running.unwrap().invocation_id, "2");
    assert_eq!(record.last.unwrap().result, Lost);
    let other_boot = [started(Switch, "1", "y", 100), started(Switch, "2", "z", 200)];
    assert_eq!(history(&other_boot, &context).operations.switch.last.unwrap().result, Interrupted);
}

#[test]
fn entries_of_a_run_are_put_together() {
    let progress = |second, phase, members: Value| {
        let mut all = json!({"invocation_id": "1", "phase": phase});
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        entry("progress", second, all)
    };
    let mut entries = vec![
        started(Switch, "1", "x", 100),
        progress(110, "evaluation", json!({"revision": revision('a')})),
        progress(120, "activation", json!({"store_path": "/nix/store/a"})),
    ];
    let running = tell(&entries, &["1"]).operations.switch.running.unwrap();
    assert_eq!((running.phase, running.revision), (Some(Phase::Activation), Some(revision('a'))));

    entries.push(ended(
        Switch,
        "1",
        130,
        Failed,
        json!({"exit_code": 4, "store_path": "/nix/store/old", "generation": 7}),
    ));
    entries.push(ended(Switch, "1", 140, Success, json!({"store_path": "/nix/store/a"})));
    let history = tell(&entries, &["1"]).operations;
    let last = history.switch.last.unwrap();
    assert_eq!((last.result, last.exit_code, last.generation), (Failed, Some(4), Some(7)), "the first end counts");
    assert_eq!((last.phase, last.revision), (Some(Phase::Activation), Some(revision('a'))));
    assert_eq!((last.started_at, last.ended_at), (at(100), Some(at(130))));
    assert_eq!(last.store_path.unwrap().to_str(), Some("/nix/store/old"), "not the one that it was about to activate");
    assert_eq!((history.deployed, history.switch.running), (None, None));
    assert_eq!(history.switch.totals.into_iter().collect::<Vec<_>>(), [(Failed, 1)]);
}

#[test]
fn an_end_without_a_start_counts() {
    let history = operations(&[ended(Pull, "1", 130, Killed, json!({"signal": "KILL"}))]);
    let last = history.pull.last.unwrap();
    assert_eq!((last.started_at, last.ended_at, last.result), (at(130), Some(at(130)), Killed));
    assert_eq!(last.detail.as_deref(), Some("ended by signal KILL"));
}

#[test]
fn lines_decide_and_not_clocks() {
    // The clock was set back by 700 seconds before the rollback.
    let entries = [
        started(Switch, "1", "x", 800),
        ended(Switch, "1", 810, Failed, json!({})),
        started(Rollback, "2", "x", 100),
        ended(Rollback, "2", 110, Success, json!({"store_path": "/nix/store/old", "revision": revision('e')})),
    ];
    let history = operations(&entries);
    assert_eq!(history.last_deployment().unwrap().operation, Rollback);
    assert_eq!(history.deployed.unwrap().store_path.to_str(), Some("/nix/store/old"));
}

#[test]
fn of_two_at_once_the_one_that_ended_last_is_the_last() {
    let entries = [
        started(Switch, "1", "x", 100),
        started(Rollback, "2", "x", 110),
        ended(Rollback, "2", 120, Failed, json!({})),
        ended(Switch, "1", 130, Success, json!({"store_path": "/nix/store/a"})),
    ];
    let history = operations(&entries);
    assert_eq!(history.last_deployment().unwrap().operation, Switch);
    assert_eq!(history.switch.last_success_at, Some(at(130)));
}

#[test]
fn a_success_without_a_path_takes_the_target_or_says_that_it_is_not_known() {
    let before = ended(Switch, "0", 90, Success, json!({"store_path": "/nix/store/before"}));
    let target = json!({"invocation_id": "1", "phase": "activation", "store_path": "/nix/store/a"});
    let success = ended(Switch, "1", 130, Success, json!({}));
    let with_target = operations(&[before.clone(), entry("progress", 120, target), success.clone()]);
    assert_eq!(with_target.deployed.unwrap().store_path.to_str(), Some("/nix/store/a"));
    assert_eq!(operations(&[before, success]).deployed, None);
}

#[test]
fn a_system_for_the_next_boot_is_the_deployed_one_and_the_one_until_then_is_told() {
    let members = json!({"store_path": "/nix/store/old", "next_boot_store_path": "/nix/store/new",
        "revision": revision('b'), "from_revision": revision('a')});
    let boot = ended(Switch, "1", 130, Success, members);
    let history = operations(std::slice::from_ref(&boot));
    assert_eq!(history.switch.last.unwrap().store_path.unwrap().to_str(), Some("/nix/store/old"));
    let deployed = history.deployed.unwrap();
    assert_eq!(
        (deployed.store_path.to_str(), deployed.revision.clone()),
        (Some("/nix/store/new"), Some(revision('b')))
    );
    for (store_path, expected) in
        [("/nix/store/new", Some(revision('b'))), ("/nix/store/old", Some(revision('a'))), ("/nix/store/other", None)]
    {
        assert_eq!(deployed.revision_of(store_path.as_ref()), expected.as_ref(), "{store_path}");
    }
    let again = ended(Switch, "2", 140, Success, json!({"store_path": "/nix/store/new", "revision": revision('b')}));
    assert_eq!(operations(&[boot, again]).deployed.unwrap().until_boot, None);
}

#[test]
fn what_is_held() {
    let rollback = |id: &str, from: char| {
        let members = json!({"from_revision": revision(from), "generation": 41, "store_path": "/nix/store/old"});
        ended(Rollback, id, 200, Success, members)
    };
    let failed_rollback = ended(Rollback, "f", 200, Failed, json!({"from_revision": revision('b')}));
    let switch = |id: &str, to: char, result| {
        ended(Switch, id, 300, result, json!({"revision": revision(to), "store_path": "/nix/store/new"}))
    };
    let by_hand = |letter| entry("held", 250, json!({"revision": revision(letter)}));
    let released = |letter| entry("released", 350, json!({"revision": revision(letter)}));
    let back_to = |letter| ended(Rollback, "t", 400, Success, json!({"revision": revision(letter)}));

    let table: [(&str, Vec<JournalEntry>, Option<char>); 12] = [
        ("nothing", vec![], None),
        ("a rollback holds what it stepped back from", vec![rollback("1", 'b')], Some('b')),
        ("a failed one does not", vec![failed_rollback], None),
        ("a person does", vec![by_hand('c')], Some('c')),
        ("the later one counts", vec![by_hand('c'), rollback("1", 'b')], Some('b')),
        ("released", vec![rollback("1", 'b'), released('b')], None),
        ("another one was released", vec![rollback("1", 'b'), released('a')], Some('b')),
        ("a fix was deployed", vec![rollback("1", 'b'), switch("2", 'c', Success)], Some('b')),
        ("deployed all the same", vec![rollback("1", 'b'), switch("2", 'b', Success)], None),
        ("deploying it failed", vec![rollback("1", 'b'), switch("2", 'b', Failed)], Some('b')),
        ("held again", vec![rollback("1", 'b'), released('b'), by_hand('b')], Some('b')),
        ("gone back to by its generation", vec![rollback("1", 'b'), back_to('b')], None),
    ];
    for (what, entries, expected) in table {
        let held = operations(&entries).held;
        assert_eq!(held.as_ref().map(|held| &held.revision), expected.map(revision).as_ref(), "{what}");
        if what == "a rollback holds what it stepped back from" {
            let held = held.unwrap();
            assert_eq!((held.generation, held.since), (Some(41), at(200)));
        }
    }
}

#[test]
fn the_last_test_run_is_completed_from_its_file() {
    let mut start = started(Test, "1", "x", 100);
    if let JournalEntry::Started(start) = &mut start {
        start.from_store_path = Some("/nix/store/tested".into());
        start.revision = Some(revision('a'));
    }
    let counts = json!({"passed": 3, "failed": 7, "skipped": 0, "failing": ["a", "b", "c", "d", "e", "f", "g"]});
    let end = ended(Test, "1", 130, Failed, json!({"store_path": "/nix/store/after", "tests": counts}));
    let told = tell(&[start, end], &[]);
    assert_eq!(told.operations.test.last.unwrap().detail.as_deref(), Some("7 failed: a, b, c, d, e, …"));
    let record = told.last_test_run.unwrap();

    let single = IndividualTest {
        name: "a".to_owned(),
        result: IndividualTestResult::Failed,
        duration_seconds: 2,
        exit_code: Some(1),
    };
    let file = TestRunRecord { tests: vec![single], result: Success, ..record.clone() };
    let run = record.clone().completed_from(Some(file.clone()));
    assert_eq!((run.tests.len(), run.result), (1, Failed), "the journal has the last word on the result");
    assert_eq!(run.store_path.unwrap().to_str(), Some("/nix/store/tested"));
    assert_eq!((run.revision, run.started_at, run.ended_at), (Some(revision('a')), at(100), Some(at(130))));

    let of_another_run = TestRunRecord { invocation_id: "0".to_owned(), ..file };
    assert_eq!(record.completed_from(Some(of_another_run)).tests, []);
}

#[test]
fn a_test_run_without_a_start_belongs_to_no_system() {
    let told = tell(&[ended(Test, "1", 130, Success, json!({"store_path": "/nix/store/after"}))], &[]);
    assert_eq!(told.last_test_run.unwrap().store_path, None);
}

#[test]
fn checkpoints_count() {
    let checkpoint: JournalEntry =
        serde_json::from_value(json!({"event": "checkpoint", "totals": {"pull": {"success": 7, "failed": u64::MAX}}}))
            .unwrap();
    let entries = [checkpoint, ended(Pull, "1", 1, Success, json!({})), ended(Pull, "2", 2, Failed, json!({}))];
    let totals = operations(&entries).pull.totals;
    assert_eq!(totals.into_iter().collect::<Vec<_>>(), [(Success, 8), (Failed, u64::MAX)]);
}

#[test]
fn a_pull_that_found_nothing_new_did_not_bring_head() {
    let pull = |id: &str, second, from: Option<char>, to: char| {
        let from_revision = from.map(revision);
        ended(Pull, id, second, Success, json!({"revision": revision(to), "from_revision": from_revision}))
    };
    let told = |entries: &[JournalEntry]| operations(entries).pulled.map(|pulled| (pulled.revision, pulled.at));
    // What each pull says of its start and its end, and which one brought what is here.
    for (pulls, expected) in [
        (&[][..], None),
        (&[(None, 'a')], Some(('a', 0))),
        (&[(Some('a'), 'a')], None),
        (&[(Some('a'), 'b'), (Some('b'), 'b'), (None, 'b')], Some(('b', 0))),
        (&[(Some('a'), 'b'), (Some('b'), 'c')], Some(('c', 1))),
        (&[(None, 'b'), (None, 'c'), (None, 'c')], Some(('c', 1))),
        // Somebody moved HEAD back in between.
        (&[(Some('a'), 'b'), (Some('a'), 'b')], Some(('b', 1))),
    ] {
        let entries: Vec<_> = pulls
            .iter()
            .zip(0_u32..)
            .map(|((from, to), number)| pull(&number.to_string(), i64::from(number), *from, *to))
            .collect();
        let expected = expected.map(|(letter, second)| (revision(letter), at(second)));
        assert_eq!(told(&entries), expected, "{pulls:?}");
    }
    let failed = ended(Pull, "9", 9, Failed, json!({"revision": revision('f')}));
    assert_eq!(told(&[pull("1", 1, Some('a'), 'b'), failed]), Some((revision('b'), at(1))));
}

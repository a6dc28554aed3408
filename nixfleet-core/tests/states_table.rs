//! The table of states: every row of the rules' table is a row here, with the same number and the same words.

use nixfleet_core::infer;
use nixfleet_core::model::State;
use nixfleet_core::observation::{OperationResult, TestsSetup};
use world::scenario::{Host, now, revision};

/// `G` ok, `Y` outdated, `R` error, `B` working, `–` unknown: Agent, Git, Lock, System, Tests.
fn letters(host: &Host) -> String {
    let status = infer(&host.0, now());
    let letter = |state| match state {
        State::Ok => "G",
        State::Outdated => "Y",
        State::Error => "R",
        State::Working => "B",
        State::Unknown => "–",
    };
    status.compartments.iter().map(|(_, compartment)| letter(compartment.state)).collect::<Vec<_>>().join(" ")
}

#[rustfmt::skip]
#[test]
fn every_row_of_the_table() {
    let base = Host::base;
    // Rows that others start from.
    let newer = || base().remote_has_newer_commit();                 // row 2
    let pulled = || newer().pulled();                                // row 3
    let switched = || pulled().switched();                           // row 4
    let switch_failed = || base().switch_ends(OperationResult::Failed); // row 7
    let tests_failed = || base().tests_failed();                     // row 8
    let merged = || base().pull_request_opened().pull_request_merged(); // row 12
    let unreadable = || base().remote_fails(5, 40);                  // row 24
    let fix_pushed = || switch_failed().remote_has_newer_commit();   // row 29
    let rolled_back = || tests_failed().rolled_back();               // row 36

    let table = vec![
        // change from base (or from a row)                               A G L S T
        (1, "none",                                                      "G G G G G", base()),
        (2, "remote has a newer commit, same flake.lock",                "G Y G G G", newer()),
        (3, "2, then pull changed HEAD",                                 "G G G Y G", pulled()),
        (4, "3, then switch exits 0",                                    "G G G G Y", switched()),
        (5, "lock hash differs, commit equal",                           "G G Y G G", base().local_lock_edited()),
        (6, "agent version differs",                                     "R G G G G", base().agent_version_differs()),
        (7, "switch exits non-zero, running system unchanged",           "G G G R G", switch_failed()),
        (8, "tests failed on the running system",                        "G G G G R", tests_failed()),
        (9, "pull running",                                              "G B G G G", base().pull_running()),
        (10, "agent version, commit and lock differ; switch and tests failed", "R Y Y R R",
            base().agent_version_differs().pull_request_merged().switch_ends(OperationResult::Failed).tests_failed()),
        (11, "flake.lock update PR open",                                "G G Y G G", base().pull_request_opened()),
        (12, "11, then merged (commit and lock differ)",                 "G Y Y G G", merged()),
        (13, "12, pull running",                                         "G B Y G G", merged().pull_running()),
        (14, "12, then pulled",                                          "G G G Y G", merged().pulled()),
        (15, "3, switch running",                                        "G G G B G", pulled().switch_running()),
        (16, "4, tests running",                                         "G G G G B", switched().tests_running()),
        (17, "4, tests passed",                                          "G G G G G", switched().tests_passed()),
        (18, "agent never seen on a fresh host, nothing known",          "– – – – –", Host::fresh()),
        (19, "agent silent past its deadline",                           "– G G G G", base().agent_silent()),
        (20, "12 + agent silent",                                        "– Y Y G G", merged().agent_silent()),
        (21, "first start: running revision unknown, tests never run",   "G G G – Y", Host::first_start(None)),
        (22, "first start: running system carries local HEAD",           "G G G G Y", Host::first_start(Some(revision('a')))),
        (23, "remote unreadable, within grace",                          "G G G G G", base().remote_fails(2, 40)),
        (24, "remote unreadable, past grace",                            "G R R G G", unreadable()),
        (25, "remote commit has no flake.lock",                          "G Y R G G", base().remote_without_lock()),
        (26, "24 + switch and tests failed",                             "G R R R R",
            unreadable().switch_ends(OperationResult::Failed).tests_failed()),
        (27, "pull that changed nothing",                                "G G G G G", base().pulled()),
        (28, "2 + pull failed (local changes, diverged)",                "G Y G G G", newer().pull_failed()),
        (29, "7 + a fix is pushed",                                      "G Y G R G", fix_pushed()),
        (30, "29 + pulled",                                              "G G G R G", fix_pushed().pulled()),
        (31, "30 + switch exits 0",                                      "G G G G Y", fix_pushed().pulled().switched()),
        (32, "switch exits non-zero but the new system runs",            "G G G R Y", base().switch_fails_but_new_system_runs()),
        (33, "3 + switch timed out",                                     "G G G Y G", pulled().switch_ends(OperationResult::TimedOut)),
        (33, "3 + the machine went down in the switch",                  "G G G Y G", pulled().switch_ends(OperationResult::Interrupted)),
        (34, "3 + switch stopped by a person",                           "G G G R G", pulled().switch_ends(OperationResult::Stopped)),
        (35, "8 + rollback running",                                     "G G G B R", tests_failed().rollback_running()),
        (36, "8 + rollback exits 0",                                     "G G G G Y", rolled_back()),
        (37, "36 + a fix is pulled",                                     "G G G Y Y", rolled_back().remote_has_newer_commit().pulled()),
        (38, "8 + rollback failed",                                      "G G G R R", tests_failed().rollback_failed()),
        (39, "tests disabled",                                           "G G G G –", base().tests_are(TestsSetup::Disabled)),
        (39, "no test found",                                            "G G G G –", base().tests_are(TestsSetup::NoneFound)),
        (40, "tests stopped by a person",                                "G G G G Y", base().tests_stopped()),
        (41, "8 + a fix is pulled",                                      "G G G Y R", tests_failed().remote_has_newer_commit().pulled()),
        (42, "8 + the PR was reverted on the remote",                    "G Y Y G R",
            base().pull_request_merged().pulled().switched().tests_failed().pull_request_reverted()),
        (43, "6 + pull, switch exits 0, new agent up",                   "G G G G Y",
            base().agent_version_differs().remote_has_newer_commit().pulled().switched().new_agent_up()),
        (44, "running system switched by hand to another revision",      "G G G Y Y", base().switched_by_hand('f')),
        (45, "HEAD ahead of the remote (local commit), deployed = HEAD", "G Y G G G", base().local_commit().switched().tests_passed()),
        (46, "PR list could not be read, rest fine",                     "G G G G G", base().pull_requests_unreadable()),
    ];
    let wrong: Vec<String> = table
        .iter()
        .filter(|(_, _, expected, host)| letters(host) != *expected)
        .map(|(number, change, expected, host)| format!("row {number} ({change}): {expected} expected, {} found", letters(host)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let rows: std::collections::BTreeSet<i32> = table.iter().map(|(number, ..)| *number).collect();
    assert_eq!(rows, (1..=46).collect(), "a row of the table is missing");
}

#[test]
fn the_weekly_update() {
    let open = Host::base().pull_request_opened();
    let merged = open.clone().pull_request_merged();
    let pulled = merged.clone().pulled();
    let switched = pulled.clone().switched();
    let tested = switched.clone().tests_passed();
    let story = [&Host::base(), &open, &merged, &pulled, &switched, &tested].map(letters);
    assert_eq!(story, ["G G G G G", "G G Y G G", "G Y Y G G", "G G G Y G", "G G G G Y", "G G G G G"]);
}

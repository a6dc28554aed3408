//! `docs/status.md` says what the code does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use nixfleet_agent::outcome::EXIT_CODES;
use nixfleet_core::model::{Action, Compartment, HostStatus, State};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../docs/status.md");

/// The first cells of the table's rows below the row that begins with `heading`, without backticks.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let lines = DOCUMENT.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |"))).skip(2);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect())
        .collect()
}

/// The action after this one: a new one has to be added here, or this does not compile.
fn next(action: Action) -> Option<Action> {
    Some(match action {
        Action::Pull => Action::Push,
        Action::Push => Action::Reconcile,
        Action::Reconcile => Action::Switch,
        Action::Switch => Action::Reboot,
        Action::Reboot => Action::RunTests,
        Action::RunTests => Action::Rollback,
        Action::Rollback => Action::ViewLogs,
        Action::ViewLogs => Action::MergePullRequest { number: 7 },
        Action::MergePullRequest { .. } => Action::Wait,
        Action::Wait => Action::CheckAgent,
        Action::CheckAgent => Action::CheckRemote,
        Action::CheckRemote => Action::CheckConfiguration,
        Action::CheckConfiguration => return None,
    })
}

#[test]
fn the_example_is_what_the_code_reads_and_writes() {
    let (_, rest) = DOCUMENT.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let status: HostStatus = serde_json::from_str(example).unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap(), serde_json::from_str::<Value>(example).unwrap());
    for (compartment, of) in status.compartments.iter() {
        assert_eq!(of.colour, of.state.colour(), "{compartment}");
    }
}

#[test]
fn every_key_is_documented() {
    let (_, rest) = DOCUMENT.split_once("```json\n").unwrap();
    let example: Value = serde_json::from_str(rest.split_once("```").unwrap().0).unwrap();
    let mut keys = Vec::new();
    collect(&example, "", &mut keys);
    keys.sort();
    keys.dedup();
    let mut documented: Vec<_> = rows("key").into_iter().map(|mut row| row.swap_remove(0)).collect();
    documented.sort();
    assert_eq!(documented, keys);
}

fn collect(value: &Value, path: &str, keys: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let is_compartment = Compartment::ALL.iter().any(|compartment| compartment.name() == key);
        let path = if is_compartment { format!("{path}*.") } else { format!("{path}{key}") };
        if !is_compartment {
            keys.push(path.clone());
        }
        collect(value, &if is_compartment { path } else { format!("{path}.") }, keys);
    }
}

#[test]
fn every_state_action_and_exit_code_is_documented() {
    let states: Vec<_> = rows("state").into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    let expected = State::ALL.map(|state| [state.name().to_owned(), state.colour().name().to_owned()]);
    assert_eq!(states, expected);

    let actions: Vec<_> = rows("action").into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    let expected: Vec<_> = std::iter::successors(Some(Action::Pull), |action| next(*action))
        .map(|action| [serde_json::to_value(action).unwrap()["kind"].as_str().unwrap().to_owned(), action.to_string()])
        .collect();
    assert_eq!(actions, expected);

    let codes: Vec<_> = rows("code").into_iter().map(|row| (row[0].parse().unwrap(), row[1].clone())).collect();
    assert_eq!(codes, EXIT_CODES.map(|(code, meaning)| (code, meaning.to_owned())));
}

//! Falling back: what was activated and not confirmed makes room for the system before it. Runs as root.
//!
//! The profile and the boot loader still name the system before it: a machine that goes down falls back by itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nixfleet_core::observation::Operation;
use nixfleet_core::state_directory::{JournalEntry, Progress};

use super::confirmation::agent;
use super::context::Context;
use super::kept_systems::KeptSystems;
use super::machine_state::machine_is_stopping;
use super::record::record;
use super::run::running_system;
use super::{activation, system_check};

/// The system to fall back to from `target`: the one that runs, else the one that boots; `None` where it is the same.
pub(super) fn system_before(target: &Path, running: Option<PathBuf>, boots: Option<PathBuf>) -> Option<PathBuf> {
    [running, boots].into_iter().flatten().find(|before| before != target)
}

/// What this run activated and neither confirmed nor took back, by its last word in the journal.
pub(super) fn unconfirmed<'a>(entries: &'a [JournalEntry], invocation_id: &str) -> Option<&'a Progress> {
    let last = entries.iter().rev().find(|entry| entry.invocation_id() == Some(invocation_id))?;
    match last {
        JournalEntry::Progress(progress) if progress.falls_back_to.is_some() => Some(progress),
        _ => None,
    }
}

/// Makes `before` the running system again. How that went, as a part of a sentence; it begins with what runs now.
pub(super) fn go_back(before: &Path, kept: &KeptSystems) -> String {
    eprintln!("falling back to {}", before.display());
    let checked = system_check::check_shape(before).and_then(|()| system_check::check_was_here(before, kept));
    let exit = match checked.and_then(|()| activation::activate_again(before)) {
        Ok(exit) => exit,
        Err(error) => return not_back(before, &error.sentence),
    };
    if running_system().as_deref() != Some(before) {
        return not_back(before, &exit.reason());
    }
    // Its own agent, and soon: the looks that failed have made it patient.
    if let Err(error) = agent::start_anew_and_look() {
        eprintln!("the agent cannot be started: {error}");
    }
    match exit.code {
        0 => "the previous system runs again".to_owned(),
        _ => format!("the previous system runs again, but {}", activation::why(&exit)),
    }
}

fn not_back(before: &Path, why: &str) -> String {
    format!(
        "the new system still runs, because going back to {} failed: {why}; a reboot starts the system before it",
        before.display()
    )
}

/// As `ExecStopPost=`: where the run was killed, stopped or timed out, nobody else falls back.
pub(super) fn fall_back(context: &Context) -> ExitCode {
    let kept = KeptSystems::default();
    let code = fall_back_to_kept(context, &kept);
    // As the unit of an `OnFailure=` it may run beside the next switch, which keeps its own.
    let is_part_of_switch = std::env::var_os("MONITOR_INVOCATION_ID").is_none();
    if is_part_of_switch && !machine_is_stopping() {
        kept.release();
    }
    code
}

fn fall_back_to_kept(context: &Context, kept: &KeptSystems) -> ExitCode {
    let entries = match context.state.journal().read() {
        Ok(contents) => contents.entries,
        Err(error) => {
            eprintln!("whether a system waits for its confirmation is not known: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Some(progress) = unconfirmed(&entries, &context.invocation_id) else { return ExitCode::SUCCESS };
    let (Some(before), target) = (progress.falls_back_to.as_deref(), progress.store_path.as_deref()) else {
        return ExitCode::SUCCESS;
    };
    if machine_is_stopping() {
        // The next boot starts the system before it.
        return ExitCode::SUCCESS;
    }
    let running = running_system();
    if ![target, Some(before)].contains(&running.as_deref()) {
        eprintln!("another system was activated meanwhile: it stays");
        return ExitCode::SUCCESS;
    }
    eprintln!("{}", go_back(before, kept));
    // Here and not by the next step: the activation has just reset what systemd knew of failed units, this one's end too.
    record(context, Operation::Switch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_to_what_runs_else_to_what_boots() {
        for (running, boots, expected) in [
            (Some("/old"), Some("/old"), Some("/old")),
            (Some("/old"), Some("/other"), Some("/old")),
            // It runs already, of a switch that broke off before it was confirmed.
            (Some("/new"), Some("/old"), Some("/old")),
            (Some("/new"), Some("/new"), None),
            (Some("/new"), None, None),
            (None, Some("/old"), Some("/old")),
            (None, None, None),
        ] {
            let path = |path: Option<&str>| path.map(PathBuf::from);
            let before = system_before(Path::new("/new"), path(running), path(boots));
            assert_eq!(before, path(expected), "{running:?} {boots:?}");
        }
    }

    #[test]
    fn only_the_last_word_of_the_run_counts() {
        let started = r#"{"event":"started","operation":"switch","unit":"nixfleet-switch.service","invocation_id":"a","at":"2025-03-15T04:00:00Z"}"#;
        let activation = r#"{"event":"progress","invocation_id":"a","at":"2025-03-15T04:01:00Z","phase":"activation","store_path":"/new","falls_back_to":"/old"}"#;
        let waiting = r#"{"event":"progress","invocation_id":"a","at":"2025-03-15T04:02:00Z","phase":"confirmation","store_path":"/new","falls_back_to":"/old"}"#;
        let confirmed = r#"{"event":"progress","invocation_id":"a","at":"2025-03-15T04:03:00Z","phase":"activation","store_path":"/new"}"#;
        let ended = r#"{"event":"ended","operation":"switch","invocation_id":"a","at":"2025-03-15T04:04:00Z","result":"failed"}"#;
        let other = r#"{"event":"started","operation":"test","unit":"nixfleet-test.service","invocation_id":"b","at":"2025-03-15T04:03:00Z"}"#;
        for (lines, expected) in [
            (&[started][..], false),
            (&[started, activation], true),
            (&[started, activation, waiting], true),
            (&[started, activation, waiting, other], true),
            (&[started, activation, waiting, confirmed], false),
            (&[started, activation, waiting, ended], false),
            (&[], false),
        ] {
            let entries: Vec<JournalEntry> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(unconfirmed(&entries, "a").is_some(), expected, "{lines:?}");
            assert_eq!(unconfirmed(&entries, "b"), None);
        }
    }
}

//! Record: how the operation ended, from what systemd says of it. Runs as `ExecStopPost=`.
//!
//! Source of the variables: systemd.exec(5), `$SERVICE_RESULT`, `$EXIT_CODE`, `$EXIT_STATUS`.

use std::path::Path;
use std::process::ExitCode;

use nixfleet_core::observation::{Operation, OperationResult};
use nixfleet_core::state_directory::{Ended, JournalEntry, Progress};

use super::context::{Context, said_by_systemd};
use super::fall_back::unconfirmed;
use super::machine_state::machine_is_stopping;
use super::run::{Run, running_system};
use super::test::remove_what_was_written_out;
use super::told;

pub(super) fn record(context: &Context, operation: Operation) -> ExitCode {
    let run = Run::new(context, operation);
    if operation == Operation::Test {
        // Where the step could not.
        remove_what_was_written_out(&context.state.test_run_path());
    }
    let variable = |name| said_by_systemd(name).unwrap_or_default();
    let service_result = variable("SERVICE_RESULT");
    let entries = match context.state.journal().read() {
        Ok(contents) => contents.entries,
        // Twice recorded counts once; not recorded would be lost.
        Err(error) => {
            eprintln!("{error}");
            Vec::new()
        }
    };
    if let Some(result) = entries.iter().find_map(|entry| end_of(entry, &context.invocation_id)) {
        return unit_ends_as(result, &service_result);
    }
    let said = Said {
        result: &service_result,
        code: &variable("EXIT_CODE"),
        status: &variable("EXIT_STATUS"),
        machine_is_stopping: machine_is_stopping(),
    };
    let (result, mut detail) = said.outcome();
    if let Some(progress) = unconfirmed(&entries, &context.invocation_id)
        && result != OperationResult::Interrupted
    {
        detail.push_str("; ");
        detail.push_str(after_falling_back(progress, running_system().as_deref()));
    }
    let by_exit = said.code == "exited";
    told(run.append(&JournalEntry::Ended(Ended {
        exit_code: if by_exit { said.status.parse().ok() } else { None },
        signal: (!by_exit && !said.status.is_empty()).then(|| said.status.to_owned()),
        detail: Some(detail),
        ..run.ended(result)
    })))
}

fn end_of(entry: &JournalEntry, invocation_id: &str) -> Option<OperationResult> {
    match entry {
        JournalEntry::Ended(ended) if ended.invocation_id == invocation_id => Some(ended.result),
        _ => None,
    }
}

/// Fails where systemd would take the unit for one that succeeded, and it did not: falling back resets its failure.
fn unit_ends_as(result: OperationResult, service_result: &str) -> ExitCode {
    if service_result == "success" && result != OperationResult::Success {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// What came of falling back, by what runs now.
fn after_falling_back(progress: &Progress, running: Option<&Path>) -> &'static str {
    if running == progress.falls_back_to.as_deref() {
        "it was not confirmed, and the previous system runs again"
    } else if running == progress.store_path.as_deref() {
        "it was not confirmed and runs until the next boot, because going back failed: see the unit's log"
    } else {
        "another system was activated meanwhile and stays"
    }
}

/// What systemd says.
struct Said<'a> {
    result: &'a str,
    code: &'a str,
    status: &'a str,
    machine_is_stopping: bool,
}

impl Said<'_> {
    /// The result of an operation that did not record one itself.
    fn outcome(&self) -> (OperationResult, String) {
        let status = self.status;
        let asked_to_stop = self.code == "killed" && matches!(status, "TERM" | "INT" | "HUP");
        match (self.result, self.code) {
            _ if self.machine_is_stopping && asked_to_stop => {
                (OperationResult::Interrupted, "the machine was shut down".to_owned())
            }
            ("timeout" | "watchdog", _) => {
                (OperationResult::TimedOut, "it took longer than its unit allows (TimeoutStartSec=)".to_owned())
            }
            ("oom-kill", _) => (OperationResult::Killed, "the machine ran out of memory".to_owned()),
            _ if asked_to_stop => (OperationResult::Stopped, "it was stopped".to_owned()),
            (_, "killed" | "dumped") => (OperationResult::Killed, format!("it was ended by the signal {status}")),
            // It did not say itself that it succeeded, and nobody infers that from silence.
            ("success", _) => (OperationResult::Lost, "it ended without recording its result".to_owned()),
            ("exit-code", _) => (OperationResult::Failed, format!("exit code {status}, with no word of its own")),
            (other, _) => (OperationResult::Failed, format!("systemd could not run it: {other}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_tells_whether_it_fell_back() {
        let progress: Progress = serde_json::from_str(
            r#"{"invocation_id":"a","at":"2025-03-15T04:02:00Z","phase":"confirmation","store_path":"/new","falls_back_to":"/old"}"#,
        )
        .unwrap();
        for (running, words) in [
            (Some("/old"), "the previous system runs again"),
            (Some("/new"), "going back failed"),
            (Some("/third"), "another system"),
            (None, "another system"),
        ] {
            let told = after_falling_back(&progress, running.map(Path::new));
            assert!(told.contains(words), "{running:?}: {told}");
        }
    }

    #[test]
    fn what_systemd_says() {
        for (result, code, status, machine_is_stopping, expected) in [
            ("timeout", "killed", "TERM", false, OperationResult::TimedOut),
            ("timeout", "killed", "KILL", false, OperationResult::TimedOut),
            ("oom-kill", "killed", "KILL", false, OperationResult::Killed),
            ("signal", "killed", "TERM", false, OperationResult::Stopped),
            ("success", "killed", "TERM", false, OperationResult::Stopped),
            ("signal", "killed", "TERM", true, OperationResult::Interrupted),
            ("signal", "killed", "KILL", false, OperationResult::Killed),
            ("core-dump", "dumped", "SEGV", false, OperationResult::Killed),
            ("exit-code", "exited", "1", false, OperationResult::Failed),
            ("exit-code", "exited", "1", true, OperationResult::Failed),
            ("resources", "", "", false, OperationResult::Failed),
            ("success", "exited", "0", false, OperationResult::Lost),
            ("", "", "", false, OperationResult::Failed),
        ] {
            let said = Said { result, code, status, machine_is_stopping };
            assert_eq!(said.outcome().0, expected, "{result} {code} {status}");
        }
    }
}

//! Record: how the operation ended, from what systemd says of it. Runs as `ExecStopPost=`.
//!
//! Source of the variables: systemd.exec(5), `$SERVICE_RESULT`, `$EXIT_CODE`, `$EXIT_STATUS`.

use std::process::{Command, ExitCode};

use nixfleet_core::observation::{Operation, OperationResult};
use nixfleet_core::state_directory::{Ended, JournalEntry};

use super::context::Context;
use super::run::Run;
use super::told;

pub(super) fn record(context: &Context, operation: Operation) -> ExitCode {
    let run = Run::new(context, operation);
    match context.state.journal().read() {
        Ok(contents) if contents.entries.iter().any(|entry| is_end_of(entry, &context.invocation_id)) => {
            return ExitCode::SUCCESS;
        }
        Ok(_) => {}
        // Twice recorded counts once; not recorded would be lost.
        Err(error) => eprintln!("{error}"),
    }
    let variable = |name| std::env::var(name).unwrap_or_default();
    let said = Said {
        result: &variable("SERVICE_RESULT"),
        code: &variable("EXIT_CODE"),
        status: &variable("EXIT_STATUS"),
        machine_is_stopping: machine_is_stopping(),
    };
    let (result, detail) = said.outcome();
    let by_exit = said.code == "exited";
    told(run.append(&JournalEntry::Ended(Ended {
        exit_code: if by_exit { said.status.parse().ok() } else { None },
        signal: (!by_exit && !said.status.is_empty()).then(|| said.status.to_owned()),
        detail: Some(detail),
        ..run.ended(result)
    })))
}

fn is_end_of(entry: &JournalEntry, invocation_id: &str) -> bool {
    matches!(entry, JournalEntry::Ended(ended) if ended.invocation_id == invocation_id)
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

fn machine_is_stopping() -> bool {
    Command::new("systemctl")
        .arg("is-system-running")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"stopping"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

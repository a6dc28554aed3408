//! `nixfleet pull`, `switch`, `test` and `rollback`.

use std::io::Write as _;
use std::sync::Arc;

use nixfleet_core::observation::Operation;
use nixfleet_core::state_directory::StateDirectory;

use super::follow::{Followed, follow};
use super::report::Report;
use super::run_record::{RunRecord, outcome_of};
use super::start::start;
use super::terminal::Terminal;
use super::unit::unit_of;
use super::{OperateError, block_on};
use crate::arguments::OperationArguments;
use crate::daemon::signals::Signals;
use crate::{CommandError, Outcome, status};

/// Starts the operation and follows it. `generation` is where a rollback goes to.
pub(crate) fn run(
    operation: Operation,
    generation: Option<u64>,
    arguments: &OperationArguments,
) -> Result<Outcome, CommandError> {
    let unit = unit_of(operation, generation);
    let command = generation.map_or_else(|| operation.to_string(), |number| format!("{operation} --to {number}"));
    let state = StateDirectory::new(&arguments.places.state_directory);
    let terminal = Arc::new(Terminal::new());
    let (invocation_id, followed) = block_on(async {
        let started = start(&unit, &state, &command).await?;
        if started.was_running {
            terminal.line(&format!("{unit} runs already: following that run"));
        }
        let id = started.invocation_id;
        if arguments.no_wait {
            terminal.line(&format!("{unit} runs; `nixfleet logs --follow {operation}` shows what it writes"));
            return Ok((id, None));
        }
        // Only now: while systemd is asked, Ctrl-C ends this command at once.
        let mut signals = Signals::listen().map_err(OperateError::Start)?;
        let followed = follow(operation, &id, &state, &terminal, &mut signals).await?;
        Ok((id, Some(followed)))
    })?;
    let (record, is_over) = match &followed {
        Some(Followed::Over(record)) => (record, true),
        Some(Followed::Detached(record)) => (record, false),
        None => (&RunRecord::default(), false),
    };
    let report = Report::new(operation, &invocation_id, record, is_over);
    let outcome = match (&followed, report.result) {
        (None, _) => Outcome::Done,
        (Some(_), Some(result)) => outcome_of(result),
        (Some(_), None) => Outcome::Detached,
    };
    if outcome == Outcome::Detached {
        terminal.line(&format!(
            "the {operation} goes on: `nixfleet logs --follow {operation}` shows it, `nixfleet cancel {operation}` ends it"
        ));
    } else if is_over {
        terminal.line(&report.sentence());
    }
    tell(&report, arguments, is_over)?;
    Ok(outcome)
}

/// The table, or the JSON object. The result of the operation counts more than a status that cannot be told.
fn tell(report: &Report<'_>, arguments: &OperationArguments, is_over: bool) -> Result<(), CommandError> {
    if !is_over && !arguments.json {
        return Ok(());
    }
    let status = status::of_host(&arguments.places.as_host())
        .map_err(|error| anstream::eprintln!("nixfleet: {}", crate::printable::printable(&error.to_string())))
        .ok();
    let written = if arguments.json {
        let mut output = std::io::stdout().lock();
        serde_json::to_writer(&mut output, &Report { status: status.as_ref(), ..*report })
            .map_err(Into::into)
            .and_then(|()| writeln!(output))
    } else {
        status.map_or(Ok(()), |status| status::write(&status, false, false))
    };
    match written {
        // Whoever read along has seen enough; the exit code still tells.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

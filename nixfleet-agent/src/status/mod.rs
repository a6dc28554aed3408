//! `nixfleet status`.

mod remote_checks;
mod screen;
mod source;
mod table;
mod there;
mod watch;

use std::io::Write as _;

use nixfleet_core::model::HostStatus;

use crate::arguments::{HostArguments, StatusArguments};
use crate::ssh::SshDestination;
use crate::{CommandError, Outcome};
pub(crate) use screen::{CloseAtEnd, Screen};
use source::Source;
use table::Layout;
pub(crate) use table::style;
pub(crate) use watch::wait;

pub(crate) fn run(arguments: &StatusArguments, host: Option<&SshDestination>) -> Result<Outcome, CommandError> {
    let mut source = Source::open(arguments, host)?;
    if arguments.watch.is_some() {
        return watch::run(&mut source, arguments);
    }
    source.check_remote();
    let status = source.status()?;
    match write(&status, arguments.json, false) {
        // Whoever read along has seen enough; the exit code still tells what was found.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    let found = status.compartments.iter().map(|(_, of)| of.state);
    Ok(Outcome::of_states(found, arguments.fail_on.map(Into::into)))
}

/// The status of this host now.
pub(crate) fn of_host(arguments: &HostArguments) -> Result<HostStatus, CommandError> {
    source::open_host(arguments)?.status()
}

/// Writes to standard output. `apart`: with an empty line before a table, where others came before.
pub(crate) fn write(status: &HostStatus, json: bool, apart: bool) -> std::io::Result<()> {
    let mut output = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut output, status)?;
        writeln!(output)?;
    } else {
        if apart {
            writeln!(output)?;
        }
        output.write_all(table::render(status, &Layout { columns: screen::columns(), note: None }).as_bytes())?;
    }
    output.flush()
}

//! `nixfleet status`.

mod progress;
mod source;
mod table;

use std::io::{IsTerminal as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::infer;
use nixfleet_core::model::HostStatus;

use crate::arguments::StatusArguments;
use crate::{CommandError, Outcome};
use source::Source;

pub(crate) fn run(arguments: &StatusArguments) -> Result<Outcome, CommandError> {
    let source = Source::open(arguments)?;
    source.check_remote();
    let Some(seconds) = arguments.watch else {
        let status = infer(&source.observe()?, Timestamp::now());
        show(&status, arguments.json)?;
        let found = status.compartments.iter().map(|(_, of)| of.state);
        return Ok(Outcome::of_states(found, arguments.fail_on.map(Into::into)));
    };
    watch(&source, arguments, Duration::from_secs(seconds))
}

fn watch(source: &Source, arguments: &StatusArguments, pause: Duration) -> Result<Outcome, CommandError> {
    let check_interval = Duration::from_secs(arguments.check_interval);
    let mut checked = Instant::now();
    loop {
        let status = infer(&source.observe()?, Timestamp::now());
        if !arguments.json && std::io::stdout().is_terminal() {
            // Home, and erase what follows: less flicker than erasing first.
            anstream::print!("\x1b[H\x1b[J");
        }
        match show(&status, arguments.json) {
            // Whoever read along has gone: nothing failed.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
            shown => shown?,
        }
        thread::sleep(pause);
        if checked.elapsed() >= check_interval {
            source.check_remote();
            checked = Instant::now();
        }
    }
}

fn show(status: &HostStatus, json: bool) -> std::io::Result<()> {
    let mut output = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut output, status)?;
        writeln!(output)?;
    } else {
        output.write_all(table::render(status).as_bytes())?;
    }
    output.flush()
}

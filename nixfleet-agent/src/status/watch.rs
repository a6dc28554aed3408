//! `--watch`: the same again and again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::remote_checks::RemoteChecks;
use super::screen::{self, Screen};
use super::source::Source;
use super::table::{self, Layout};
use crate::arguments::StatusArguments;
use crate::progress::with_progress;
use crate::{CommandError, Outcome};

/// Something happened: show the present state now. Nobody needs to know what it was.
type Wake = ();

pub(super) fn run(source: &mut Source, arguments: &StatusArguments) -> Result<Outcome, CommandError> {
    let pause = Duration::from_secs(arguments.watch.unwrap_or(2));
    // What is wrong with the repository or the configuration is told before the screen is taken.
    source.status()?;
    let (wake, woken) = channel::<Wake>();
    let screen = if arguments.json { None } else { Screen::open(&wake)? };
    let checks = remote_checks(source, arguments, wake)?;
    match screen {
        Some(screen) => on_screen(source, &screen, checks.as_ref(), &woken, pause),
        None => as_stream(source, arguments.json, checks.is_some(), &woken, pause),
    }
}

fn remote_checks(
    source: &Source,
    arguments: &StatusArguments,
    wake: Sender<Wake>,
) -> Result<Option<RemoteChecks>, CommandError> {
    let Source::Repository(observer) = source else { return Ok(None) };
    let interval = Duration::from_secs(arguments.repository.check_interval);
    // Nobody may be there any more to be woken.
    let on_answer = move || {
        let _ = wake.send(());
    };
    RemoteChecks::start(observer, interval, on_answer).map(Some).map_err(CommandError::Thread)
}

/// What is known is shown at once; while the remote is asked the first line says so.
fn on_screen(
    source: &mut Source,
    screen: &Arc<Screen>,
    checks: Option<&RemoteChecks>,
    woken: &Receiver<Wake>,
    pause: Duration,
) -> Result<Outcome, CommandError> {
    let _restored = screen::CloseAtEnd(screen);
    loop {
        let status = source.status()?;
        let note = checks.and_then(RemoteChecks::note);
        let layout = Layout { columns: screen::columns(), note: note.as_deref() };
        screen.draw(&table::render(&status, &layout))?;
        wait(woken, pause);
    }
}

/// One table, or one line of JSON, after the other; the first one once the remote has answered or failed.
fn as_stream(
    source: &mut Source,
    json: bool,
    asks_a_remote: bool,
    woken: &Receiver<Wake>,
    pause: Duration,
) -> Result<Outcome, CommandError> {
    if asks_a_remote {
        // Nobody left to wait for: the observation tells what is known.
        let _ = with_progress("reading the remote", || woken.recv());
    }
    let mut apart = false;
    loop {
        let status = source.status()?;
        match super::write(&status, json, apart) {
            // Whoever read along has gone: nothing failed.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
            written => written?,
        }
        apart = true;
        wait(woken, pause);
    }
}

/// Until something happens, or this time is over.
pub(crate) fn wait(woken: &Receiver<Wake>, pause: Duration) {
    match woken.recv_timeout(pause) {
        // Several reasons to look again are one.
        Ok(()) => while woken.try_recv().is_ok() {},
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(pause),
    }
}

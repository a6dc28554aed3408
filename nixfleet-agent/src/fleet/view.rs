//! `nixfleet fleet status`.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::host::{FleetHost, sort_worst_first};
use super::known::{Known, find, selection};
use super::majority::{Majority, mark};
use super::stop::Stop;
use super::{FleetError, survey, table};
use crate::arguments::{FleetHostsArguments, FleetStatusArguments};
use crate::progress::with_progress;
use crate::status::{CloseAtEnd, Screen, wait};
use crate::{CommandError, Outcome};

/// A fleet at one moment; `nixfleet fleet status --json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    /// When it was looked at.
    pub(crate) at: Timestamp,
    /// The hosts that are meant, worst first.
    pub(crate) hosts: Vec<FleetHost>,
    /// The commit that most of all hosts run.
    pub(crate) majority: Option<Majority>,
    /// What makes this less than the whole truth.
    pub(crate) warnings: Vec<String>,
    /// How many hosts there are, whether they are meant or not.
    pub(crate) total: usize,
}

/// Looks at the fleet now.
fn look(arguments: &FleetHostsArguments, stop: Option<&Stop>) -> Result<View, FleetError> {
    let Known { hosts: mut known, warnings, by_prometheus } = find(arguments)?;
    if let (false, Some(stop)) = (by_prometheus, stop) {
        let told = survey::ask(&known, arguments.parallel.into(), true, stop);
        for (known, told) in known.iter_mut().zip(&told) {
            if let Some(told) = told {
                survey::take(&mut known.host, told);
            }
        }
    }
    let mut hosts: Vec<FleetHost> = known.into_iter().map(|known| known.host).collect();
    let (majority, total) = (mark(&mut hosts), hosts.len());
    let selection = selection(arguments);
    hosts.retain(|host| selection.matches(host));
    sort_worst_first(&mut hosts);
    Ok(View { at: Timestamp::now(), hosts, majority, warnings, total })
}

pub(super) fn run(arguments: &FleetStatusArguments) -> Result<Outcome, CommandError> {
    let fleet = &arguments.fleet;
    // Prometheus is asked with a time limit, and a signal ends that at once.
    let by_prometheus = fleet.prometheus.url().is_some();
    let stop = if by_prometheus { None } else { Some(Stop::listen().map_err(FleetError::Signals)?) };
    if let Some(seconds) = arguments.watch {
        return watch(arguments, stop.as_ref(), Duration::from_secs(seconds));
    }
    let view = with_progress("asking the fleet", || look(fleet, stop.as_ref()))?;
    if stop.is_some_and(|stop| stop.is_asked()) {
        return Ok(Outcome::Detached);
    }
    match write(&view, arguments.json) {
        // Whoever read along has seen enough; the exit code still tells what was found.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    let states = view.hosts.iter().flat_map(|host| host.states.iter().map(|(_, state)| *state));
    Ok(Outcome::of_states(states, arguments.fail_on.map(Into::into)))
}

fn write(view: &View, json: bool) -> std::io::Result<()> {
    let mut output = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut output, view)?;
        writeln!(output)?;
    } else {
        output.write_all(table::render(view).as_bytes())?;
    }
    output.flush()
}

/// A look that fails is told, and the next one may succeed: only the first one has to.
fn watch(arguments: &FleetStatusArguments, stop: Option<&Stop>, pause: Duration) -> Result<Outcome, CommandError> {
    let mut looked = with_progress("asking the fleet", || look(&arguments.fleet, stop)).map(Some)?;
    let (wake, woken): (_, Receiver<()>) = channel();
    let screen = if arguments.json { None } else { Screen::open(&wake)? };
    let _restored = screen.as_ref().map(|screen| CloseAtEnd(screen));
    let mut shown = String::new();
    loop {
        if let Some(view) = looked.take() {
            shown = table::render(&view);
            if screen.is_none() {
                match write(&view, arguments.json) {
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
                    written => written?,
                }
            }
            show(screen.as_ref(), &format!("{}\n{shown}", view.at.strftime("%Y-%m-%d %H:%M:%S UTC")))?;
        }
        wait(&woken, pause);
        if stop.is_some_and(Stop::is_asked) {
            return Ok(Outcome::Detached);
        }
        match look(&arguments.fleet, stop) {
            Ok(view) => looked = Some(view),
            Err(error) if screen.is_some() => show(screen.as_ref(), &format!("{error}\n{shown}"))?,
            Err(error) => anstream::eprintln!("nixfleet: {error}"),
        }
    }
}

fn show(screen: Option<&Arc<Screen>>, text: &str) -> std::io::Result<()> {
    screen.map_or(Ok(()), |screen| screen.draw(text))
}

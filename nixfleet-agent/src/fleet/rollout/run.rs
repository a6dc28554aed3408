//! From the question which hosts there are to what became of each.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::board::Board;
use super::hands::Hands;
use super::need::Movement;
use super::plan::{Asked, Pace, Plan, plan};
use super::result::{Became, HostResult, outcome};
use super::roll::{Limits, roll};
use crate::arguments::FleetOperationArguments;
use crate::fleet::FleetError;
use crate::fleet::known::{KnownHost, find, selection};
use crate::fleet::majority::mark;
use crate::fleet::stop::Stop;
use crate::fleet::survey;
use crate::printable::printable;
use crate::progress::with_progress;
use crate::standard_output::{print, print_json};
use crate::{CommandError, Outcome, question};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    movement: &'a str,
    /// Nothing was done.
    is_dry_run: bool,
    hosts: &'a [HostResult],
}

/// Moves the hosts that are meant.
pub(crate) fn run(
    movement: Movement,
    arguments: &FleetOperationArguments,
    pace: &Pace,
) -> Result<Outcome, CommandError> {
    let is_asked = arguments.yes || arguments.dry_run;
    if !is_asked && !question::can_be_asked() {
        return Err(FleetError::NobodyToAsk.into());
    }
    let hosts = with_progress("asking for the hosts", || meant(arguments))?;
    let stop = Stop::listen().map_err(FleetError::Signals)?;
    let at_once = arguments.fleet.parallel.into();
    let asked = with_progress("asking the hosts", || ask(hosts, at_once, &stop));
    if stop.is_asked() {
        anstream::eprintln!("interrupted; nothing was done");
        return Ok(Outcome::Detached);
    }
    let planned = plan(movement, asked.clone(), pace);
    if arguments.dry_run {
        let not_begun = planned.waves.iter().zip(1..).flat_map(|(wave, number)| {
            wave.iter().map(move |host| HostResult {
                name: host.name.clone(),
                wave: Some(number),
                result: Became::NotBegun,
                detail: host.steps.iter().map(|step| step.name()).collect::<Vec<_>>().join(", "),
            })
        });
        let results: Vec<_> = not_begun.chain(planned.others.clone()).collect();
        tell(movement, arguments, &results, Some(&planned))?;
        return if planned.reaches_none() {
            Err(FleetError::NoneReached(results.len()).into())
        } else {
            Ok(outcome(&planned.others, false))
        };
    }
    if planned.reaches_none() {
        tell(movement, arguments, &planned.others, None)?;
        return Err(FleetError::NoneReached(planned.others.len()).into());
    }
    if planned.hosts() > 0 && !arguments.yes && !stop.with_sudden_end(|| agrees(movement, &planned))? {
        return Err(FleetError::NotWanted.into());
    }
    let hands = Hands { board: Arc::new(Board::new(arguments.logs)), stop: stop.clone() };
    let results = if movement == Movement::Update {
        update(asked, at_once, pace, &hands)
    } else {
        let limits = Limits { at_once, max_failures: pace.max_failures(), failures: 0 };
        roll(&planned.waves, limits, &hands).into_iter().chain(planned.others).collect()
    };
    tell(movement, arguments, &results, None)?;
    let is_cut = results.iter().any(|of| of.result == Became::NotBegun);
    if is_cut {
        anstream::eprintln!("hosts were not begun: the same command goes on with them, and skips those that are done");
    }
    Ok(outcome(&results, stop.is_asked()))
}

fn meant(arguments: &FleetOperationArguments) -> Result<Vec<KnownHost>, FleetError> {
    let mut known = find(&arguments.fleet)?;
    for warning in &known.warnings {
        anstream::eprintln!("warning: {}", printable(warning));
    }
    let mut all: Vec<_> = known.hosts.iter().map(|known| known.host.clone()).collect();
    mark(&mut all);
    let selection = selection(&arguments.fleet);
    let total = known.hosts.len();
    for (known, marked) in known.hosts.iter_mut().zip(all) {
        known.host.is_off_majority = marked.is_off_majority;
    }
    known.hosts.retain(|known| selection.matches(&known.host));
    if known.hosts.is_empty() { Err(FleetError::NoneSelected(total)) } else { Ok(known.hosts) }
}

/// The hosts with the states that they tell themselves: those of Prometheus are some time old.
fn ask(hosts: Vec<KnownHost>, at_once: usize, stop: &Stop) -> Vec<Asked> {
    let told = survey::ask(&hosts, at_once, false, stop);
    let pairs = hosts.into_iter().zip(told).map(|(mut known, told)| {
        let told = told.unwrap_or_else(|| Err("stopped before it was asked".to_owned()));
        survey::take(&mut known.host, &told);
        (known, told.map(|_| ()))
    });
    pairs.collect()
}

/// Pulls everywhere, looks again, and switches what then needs it.
fn update(asked: Vec<Asked>, at_once: usize, pace: &Pace, hands: &Hands) -> Vec<HostResult> {
    let pull = plan(Movement::Pull, asked.clone(), &Pace::AtOnce);
    let limits = Limits { at_once, max_failures: usize::MAX, failures: 0 };
    let pulled = roll(&pull.waves, limits, hands);
    let is_done = |name: &str| pulled.iter().any(|of| of.name == name && of.result == Became::Done);
    let (again, _): (Vec<Asked>, Vec<Asked>) = asked.into_iter().partition(|(known, _)| is_done(&known.host.name));
    let again = again.into_iter().map(|(known, _)| known).collect();
    let switch = plan(Movement::Switch, ask(again, at_once, &hands.stop), pace);
    let failures = pulled.iter().filter(|of| of.result.is_failure()).count();
    let limits = Limits { at_once, max_failures: pace.max_failures(), failures };
    let switched = roll(&switch.waves, limits, hands);
    // A host whose pull did not succeed is told of as that left it.
    let not_pulled =
        pulled.into_iter().filter(|of| of.result != Became::Done).map(|of| HostResult { wave: None, ..of });
    switched.into_iter().chain(switch.others).chain(not_pulled).chain(pull.others).collect()
}

fn agrees(movement: Movement, planned: &Plan) -> std::io::Result<bool> {
    question::agrees(&format!("{}{} {}?", planned.text(movement), movement.name(), planned.headline()))
}

fn tell(
    movement: Movement,
    arguments: &FleetOperationArguments,
    results: &[HostResult],
    dry: Option<&Plan>,
) -> Result<(), CommandError> {
    if arguments.json {
        print_json(&Report { movement: movement.name(), is_dry_run: dry.is_some(), hosts: results })?;
    } else {
        print(&dry.map_or_else(|| table(results), |plan| plan.text(movement)))?;
    }
    Ok(())
}

fn table(results: &[HostResult]) -> String {
    let width =
        |cell: &dyn Fn(&HostResult) -> usize, heading: usize| results.iter().map(cell).fold(heading, usize::max);
    let name = width(&|of| printable(&of.name).chars().count(), "HOST".len());
    let result = width(&|of| of.result.words().len(), "RESULT".len());
    let mut text = format!("{:name$}  {:result$}  DETAIL\n", "HOST", "RESULT");
    for of in results {
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{:name$}  {:result$}  {}", printable(&of.name), of.result.words(), printable(&of.detail));
    }
    let counts = Became::ALL.map(|became| {
        let count = results.iter().filter(|of| of.result == became).count();
        (count > 0).then(|| format!("{count} {}", became.words()))
    });
    let _ = writeln!(text, "{}", counts.into_iter().flatten().collect::<Vec<_>>().join(", "));
    text
}

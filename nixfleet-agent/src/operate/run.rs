//! `nixfleet pull`, `switch`, `test` and `rollback`.

use std::sync::Arc;

use nixfleet_core::system::{GenerationDetails, ProfileName, SystemRoot};

use super::carry_out::{Order, carry_out};
use super::report::Report;
use super::show::Show;
use super::terminal::Terminal;
use super::{OperateError, block_on, interrupted, reach};
use crate::arguments::OperationArguments;
use crate::daemon::signals::Signals;
use crate::ssh::SshDestination;
use crate::standard_output::print_json;
use crate::target::Target;
use crate::{CommandError, Outcome, status};

/// Starts the operation, here or there, and follows it.
pub(crate) fn run(
    order: Order,
    arguments: &OperationArguments,
    host: Option<&SshDestination>,
) -> Result<Outcome, CommandError> {
    let show: Arc<dyn Show> = Arc::new(Terminal::new());
    let order = Order { wait: !arguments.no_wait, ..order };
    if let (Some(number), None) = (order.generation, host) {
        check_generation(number)?;
    }
    block_on(async {
        let mut signals = Signals::listen().map_err(OperateError::Start)?;
        let mut target = reach(host, &arguments.places, &mut signals).await?;
        let run = carry_out(order, &mut target, &show, &mut signals).await?;
        if run.outcome != Outcome::ConnectionLost {
            tell(&run.report(), &mut target, arguments, run.is_over, &mut signals).await?;
        } else if arguments.json {
            print_json(&run.report())?;
        }
        Ok(run.outcome)
    })
}

/// A slip is told before anything is started: a rollback that failed turns System red. Where they cannot be listed, and on
/// another host, the unit tells it.
fn check_generation(number: u64) -> Result<(), OperateError> {
    let generations = SystemRoot::new("/").generations(&ProfileName::System, GenerationDetails::LinksOnly);
    let generations = generations.unwrap_or_default();
    if generations.is_empty() || generations.iter().any(|generation| generation.number == number) {
        return Ok(());
    }
    Err(OperateError::NoSuchGeneration(number))
}

/// The table, or the JSON object. The result of the operation counts more than a status that cannot be told.
async fn tell(
    report: &Report<'_>,
    target: &mut Target,
    arguments: &OperationArguments,
    is_over: bool,
    signals: &mut Signals,
) -> Result<(), CommandError> {
    if !is_over && !arguments.json {
        return Ok(());
    }
    let look = target.call("status");
    let status = interrupted(target.status_again(), look, signals)
        .await
        .map_err(|error| anstream::eprintln!("nixfleet: {}", crate::printable::printable(&error.to_string())))
        .ok();
    if arguments.json {
        return Ok(print_json(&Report { status: status.as_ref(), ..*report })?);
    }
    match status.map_or(Ok(()), |status| status::write(&status, false, false)) {
        // Whoever read along has seen enough; the exit code still tells.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

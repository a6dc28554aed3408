//! Moves a host of the fleet as `nixfleet --host` does.

use std::sync::Arc;

use nixfleet_core::model::{HostStatus, State};
use nixfleet_core::observation::Operation;

use super::board::Board;
use super::result::Became;
use super::roll::{Act, Planned};
use crate::arguments::Places;
use crate::daemon::signals::Signals;
use crate::fleet::stop::Stop;
use crate::operate::{OperateError, Order, Run, Show, block_on, carry_out};
use crate::printable::printable;
use crate::ssh::SshError;
use crate::target::Target;
use crate::{CommandError, Outcome};

/// Moves hosts over ssh.
#[derive(Debug)]
pub(crate) struct Hands {
    pub(crate) board: Arc<Board>,
    pub(crate) stop: Stop,
}

impl Act for Hands {
    fn act(&self, host: &Planned) -> (Became, String) {
        let show = self.board.of(&host.name);
        let (became, detail) = match block_on(move_host(host, &show)) {
            Ok(became) => became,
            Err(error) => (became_of(&error), printable(&error.to_string())),
        };
        show.clear();
        show.line(&format!("{}: {detail}", became.words()));
        (became, detail)
    }

    fn wave_begins(&self, number: usize, hosts: &[Planned]) {
        let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        self.board.line(&format!("wave {number}: {}", names.join(", ")));
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_asked()
    }
}

/// What a host becomes that could not be asked any more.
const fn became_of(error: &CommandError) -> Became {
    match error {
        CommandError::Ssh(SshError::Connect { .. } | SshError::Lost { .. })
        | CommandError::Operate(
            OperateError::Ssh(SshError::Connect { .. } | SshError::Lost { .. }) | OperateError::LostAtStart { .. },
        ) => Became::ConnectionLost,
        CommandError::Operate(OperateError::Interrupted(_)) => Became::GoesOn,
        _ => Became::Failed,
    }
}

async fn move_host(host: &Planned, show: &Arc<dyn Show>) -> Result<(Became, String), CommandError> {
    let mut signals = Signals::listen().map_err(OperateError::Start)?;
    show.status("connecting");
    let places = Places::default();
    let reach = Target::reach(Some(&host.destination), &places);
    let reached = tokio::select! {
        reached = reach => reached,
        _ = signals.next() => return Ok((Became::NotBegun, "stopped before it".to_owned())),
    };
    let mut target = match reached {
        Ok(target) => target,
        Err(error) => return Ok((Became::Skipped, printable(&error.to_string()))),
    };
    let switches = host.steps.contains(&Operation::Switch);
    let mut last = None;
    for operation in &host.steps {
        if *operation == Operation::Test && switches {
            // The agent may run the tests by itself, and may have done so for this very system already.
            match tests_of(&ask(&mut target, &mut signals).await?) {
                Tests::Run => {}
                Tests::Over(became, detail) => return Ok((became, detail)),
            }
        }
        show.status(&format!("{operation} begins"));
        let run = carry_out(Order::of(*operation), &mut target, show, &mut signals).await?;
        let sentence = run.report().sentence();
        match became_of_run(&run) {
            Became::Done => last = Some(sentence),
            // It names the tests that failed.
            Became::Failed if *operation == Operation::Test => {
                return Ok(verdict(&ask(&mut target, &mut signals).await?));
            }
            became => return Ok((became, sentence)),
        }
    }
    if host.steps.contains(&Operation::Test) {
        // What counts is what the host says at the end: its agent may have gone back meanwhile.
        return Ok(verdict(&ask(&mut target, &mut signals).await?));
    }
    Ok((Became::Done, last.unwrap_or_default()))
}

/// The status; a switch may have cut the connection.
async fn ask(target: &mut Target, signals: &mut Signals) -> Result<HostStatus, CommandError> {
    let look = target.call("status");
    tokio::select! {
        status = target.status_again() => status,
        _ = signals.next() => Err(OperateError::Interrupted(look).into()),
    }
}

const fn became_of_run(run: &Run) -> Became {
    match run.outcome {
        Outcome::Done => Became::Done,
        Outcome::OperationCutOff => Became::CutOff,
        Outcome::ConnectionLost => Became::ConnectionLost,
        Outcome::Detached => Became::GoesOn,
        _ => Became::Failed,
    }
}

enum Tests {
    /// They have to be run, or followed.
    Run,
    Over(Became, String),
}

fn tests_of(status: &HostStatus) -> Tests {
    let of = &status.compartments;
    if of.system.state == State::Ok && matches!(of.tests.state, State::Outdated | State::Working) {
        return Tests::Run;
    }
    let (became, detail) = verdict(status);
    Tests::Over(became, detail)
}

/// Whether the host is good: it runs what it should, and its tests are green, or it has none.
fn verdict(status: &HostStatus) -> (Became, String) {
    let (system, tests) = (&status.compartments.system, &status.compartments.tests);
    match (system.state, tests.state) {
        (State::Ok, State::Ok) => (Became::Done, printable(&tests.reason)),
        (State::Ok, State::Unknown) => (Became::Done, format!("it has no tests: {}", printable(&tests.reason))),
        (State::Ok, _) => (Became::Failed, format!("tests: {}", printable(&tests.reason))),
        _ => (Became::Failed, format!("system: {}", printable(&system.reason))),
    }
}

#[cfg(test)]
mod tests {
    use nixfleet_core::model::{CompartmentStatus, Compartments};

    use super::*;

    fn status(system: State, tests: State) -> HostStatus {
        let of = |state: State| CompartmentStatus {
            state,
            colour: state.colour(),
            reason: "because".to_owned(),
            action: None,
            since: None,
        };
        let compartments = Compartments {
            agent: of(State::Ok),
            git: of(State::Ok),
            lock: of(State::Ok),
            system: of(system),
            tests: of(tests),
        };
        HostStatus { host: "web1".to_owned(), at: jiff::Timestamp::UNIX_EPOCH, compartments }
    }

    #[test]
    fn green_is_what_the_host_says_at_the_end() {
        use State::{Error, Ok, Outdated, Unknown, Working};
        for (system, tests, run, expected) in [
            (Ok, Ok, false, Became::Done),
            (Ok, Unknown, false, Became::Done),
            (Ok, Outdated, true, Became::Failed),
            (Ok, Working, true, Became::Failed),
            (Ok, Error, false, Became::Failed),
            (Error, Ok, false, Became::Failed),
            (Outdated, Ok, false, Became::Failed),
        ] {
            let status = status(system, tests);
            assert_eq!(verdict(&status).0, expected, "{system} {tests}");
            assert_eq!(matches!(tests_of(&status), Tests::Run), run, "{system} {tests}");
        }
    }
}

//! What moves a host: `nixfleet pull`, `switch`, `test`, `rollback`, and what goes with them.
//!
//! The command does nothing of an operation itself. It asks systemd to start the unit, follows it, and tells how it ended
//! as the journal of operations has it; polkit decides who may. On another host it does the same, over ssh.

mod cancel;
mod carry_out;
mod error;
mod follow;
mod generations;
mod hold;
mod logs;
mod report;
mod run;
mod run_record;
mod show;
mod start;
mod terminal;
mod unit;
mod unit_journal;

pub(crate) use cancel::cancel;
pub(crate) use carry_out::{Order, Run, carry_out};
pub use error::OperateError;
pub(crate) use generations::generations;
pub(crate) use hold::{hold, release};
pub(crate) use logs::logs;
pub(crate) use run::run;
pub(crate) use show::Show;
pub(crate) use terminal::Terminal;

use crate::arguments::Places;
use crate::daemon::signals::Signals;
use crate::ssh::SshDestination;
use crate::target::Target;
use crate::{CommandError, Outcome};

pub(crate) fn block_on<T, E: From<OperateError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(OperateError::Start)?;
    runtime.block_on(work)
}

/// Connects to that host, if it is another one.
async fn reach(host: Option<&SshDestination>, places: &Places, signals: &mut Signals) -> Result<Target, OperateError> {
    tokio::select! {
        reached = Target::reach(host, places) => Ok(reached?),
        _ = signals.next() => {
            let host = host.map(|host| format!(" --host {host}")).unwrap_or_default();
            Err(OperateError::Interrupted(format!("nixfleet{host} status")))
        }
    }
}

/// The same, ended by a signal; `look` is the command that then shows how things stand.
async fn interrupted<T, E: From<OperateError>>(
    work: impl Future<Output = Result<T, E>>,
    look: String,
    signals: &mut Signals,
) -> Result<T, E> {
    tokio::select! {
        done = work => done,
        _ = signals.next() => Err(OperateError::Interrupted(look).into()),
    }
}

/// Has `nixfleet` of another host do it, called with these words; `None` where there is no other host.
fn pass_on(
    host: Option<&SshDestination>,
    words: &[&str],
    places: Option<&Places>,
) -> Result<Option<Outcome>, CommandError> {
    let Some(host) = host else { return Ok(None) };
    let default = Places::default();
    block_on(async {
        let mut signals = Signals::listen().map_err(OperateError::Start)?;
        let target = reach(Some(host), places.unwrap_or(&default), &mut signals).await?;
        let passed = async { Ok(target.pass_on(words, places.is_some()).await.map_err(OperateError::from)?) };
        interrupted(passed, target.call("status"), &mut signals).await
    })
}

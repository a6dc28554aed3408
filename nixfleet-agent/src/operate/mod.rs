//! What moves this host: `nixfleet pull`, `switch`, `test`, `rollback`, and what goes with them.
//!
//! The command does nothing of an operation itself. It asks systemd to start the unit, follows it, and tells how it ended
//! as the journal of operations has it; polkit decides who may.

mod cancel;
mod error;
mod follow;
mod generations;
mod hold;
mod logs;
mod report;
mod run;
mod run_record;
mod start;
mod terminal;
mod unit;
mod unit_journal;

pub(crate) use cancel::cancel;
pub use error::OperateError;
pub(crate) use generations::generations;
pub(crate) use hold::{hold, release};
pub(crate) use logs::logs;
pub(crate) use run::run;

fn block_on<T>(work: impl Future<Output = Result<T, OperateError>>) -> Result<T, OperateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(OperateError::Start)?;
    runtime.block_on(work)
}

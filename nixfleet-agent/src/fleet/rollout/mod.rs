//! Moving a fleet: `nixfleet fleet pull`, `switch`, `test`, `rollback` and `update`.

mod board;
mod hands;
mod need;
mod plan;
mod result;
mod roll;
mod run;
mod waves;

pub(crate) use need::Movement;
pub(crate) use plan::Pace;
pub(crate) use run::run;
pub use waves::{LabelOrder, WaveSizes};

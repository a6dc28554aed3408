//! The hosts of a fleet as Prometheus knows them: instant queries, nothing stored here.

mod answer;
mod client;
mod error;
mod fleet;
mod quoted;

pub(crate) use client::{Access, Client};
pub use error::PrometheusError;
pub(crate) use fleet::look;

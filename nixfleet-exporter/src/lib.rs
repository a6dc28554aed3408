//! Serves the five compartments of a NixOS host as Prometheus metrics.
//!
//! Nothing is remembered between scrapes: each one takes a fresh [`Observation`](nixfleet_core::observation::Observation)
//! through [`Observe`], lets [`infer`](nixfleet_core::infer()) judge it, and encodes both. The names of the metrics are an
//! interface; `docs/metrics.md` is their reference.

pub mod arguments;
pub mod build;
pub mod collect;
pub mod exposition;
pub mod http;
pub mod landing;
pub mod listen;
pub mod metrics;
mod observe;
mod observer;
pub mod run;
pub mod server;
mod service_manager;
mod snapshot;

pub use observe::Observe;
pub use observer::{ObserverError, observer};
pub use snapshot::{Failure, Outcome, Snapshot};

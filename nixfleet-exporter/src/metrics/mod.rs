//! The metrics: one file per group, each of which declares its families and encodes them.
//!
//! Names, types and labels are an interface, described in `docs/metrics.md`. What is not known is absent, never 0.
//! A label of an `_info` metric is empty where that part is unknown.

mod agent;
mod bounds;
mod compartments;
mod exporter;
mod family;
mod git;
mod label;
mod lock;
mod operations;
mod pull_requests;
mod remote;
mod system;
mod tests;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

pub use bounds::{INPUTS_MIN, PULL_REQUESTS, SERIES, TESTS};

use crate::Snapshot;

/// A snapshot in the OpenMetrics text format 1.0.
pub fn openmetrics(snapshot: &Arc<Snapshot>) -> Result<String, fmt::Error> {
    // A registry for each scrape costs two allocations and shares nothing: scrapes cannot disturb each other.
    let mut registry = Registry::default();
    registry.register_collector(Box::new(SnapshotCollector(Arc::clone(snapshot))));
    let mut text = String::with_capacity(24 * 1024);
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct SnapshotCollector(Arc<Snapshot>);

impl Collector for SnapshotCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        compartments::encode(encoder, &self.0.status)?;
        if let Some(observation) = self.0.observation() {
            agent::encode(encoder, &observation.agent)?;
            git::encode(encoder, observation)?;
            remote::encode(encoder, &observation.remote)?;
            lock::encode(encoder, observation)?;
            pull_requests::encode(encoder, &observation.pull_requests)?;
            system::encode(encoder, observation)?;
            operations::encode(encoder, observation)?;
            tests::encode(encoder, observation.last_test_run.as_ref())?;
        }
        exporter::encode(encoder, &self.0)
    }
}

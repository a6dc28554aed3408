//! One scrape without its input and output: from a ready observation to the text.

#![allow(clippy::unwrap_used, reason = "made-up hosts, as in tests")]

#[path = "../tests/hosts/mod.rs"]
mod hosts;

use std::sync::Arc;

use divan::Bencher;
use nixfleet_exporter::Snapshot;
use nixfleet_exporter::exposition::Format;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = [Format::Text, Format::OpenMetrics])]
fn full_host(bencher: Bencher<'_, '_>, format: Format) {
    let now = world::scenario::now();
    bencher
        .with_inputs(hosts::full)
        .bench_values(|observation| format.encode(&Arc::new(Snapshot::observed(observation, now))));
}

#[divan::bench]
fn maximal_host(bencher: Bencher<'_, '_>) {
    let now = world::scenario::now();
    bencher
        .with_inputs(hosts::maximal)
        .bench_values(|observation| Format::Text.encode(&Arc::new(Snapshot::observed(observation, now))));
}

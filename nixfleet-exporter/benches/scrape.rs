//! One scrape: from a ready observation to the text, and all of it, from the files of a whole host to the text.
//!
//! `cargo bench -p nixfleet-exporter --bench scrape`

#![allow(clippy::unwrap_used, reason = "made-up hosts, as in tests")]

#[path = "../tests/hosts/mod.rs"]
mod hosts;

use std::sync::Arc;

use divan::Bencher;
use nixfleet_core::config;
use nixfleet_core::observe::HostObserver;
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

/// Reads the repository, the state directory, the journal and the generations, as each scrape of a host does.
#[divan::bench]
fn full_host_from_its_files(bencher: Bencher<'_, '_>) {
    let host = world::example_host::ExampleHost::new();
    let config = config::read(&host.config).unwrap();
    let observer = HostObserver::new(config, host.state.clone(), host.runtime.clone(), host.root.path(), "0.1.0");
    bencher.bench_local(|| {
        let now = jiff::Timestamp::now();
        Format::OpenMetrics.encode(&Arc::new(Snapshot::observed(observer.observe(now), now)))
    });
}

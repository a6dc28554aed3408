//! The time to infer one host's states, with and without the text of the reasons.
//!
//! `cargo bench -p nixfleet-core --bench infer`

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark has no public items and stops at what it did not expect"
)]

use divan::{Bencher, black_box};
use world::scenario::{Host, now};

fn main() {
    divan::main();
}

/// All green, and a host on which every compartment has much to say.
fn hosts() -> [(&'static str, Host); 2] {
    let busy = Host::base()
        .pull_request_merged()
        .pull_failed()
        .agent_version_differs()
        .switch_ends(nixfleet_core::observation::OperationResult::Failed)
        .tests_failed();
    [("green", Host::base()), ("red", busy)]
}

#[divan::bench(args = ["green", "red"])]
fn states_only(bencher: Bencher<'_, '_>, name: &str) {
    let (_, host) = hosts().into_iter().find(|(host, _)| *host == name).unwrap();
    let at = now();
    bencher.bench_local(|| nixfleet_core::infer::verdicts(black_box(&host.0), at).map(|verdict| verdict.state));
}

#[divan::bench(args = ["green", "red"])]
fn with_reasons(bencher: Bencher<'_, '_>, name: &str) {
    let (_, host) = hosts().into_iter().find(|(host, _)| *host == name).unwrap();
    let at = now();
    bencher.bench_local(|| nixfleet_core::infer(black_box(&host.0), at));
}

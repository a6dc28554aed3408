//! No scrape gets evidence from before it came, however closely it follows another one.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nixfleet_core::observation::Observation;
use nixfleet_exporter::Observe;
use nixfleet_exporter::collect::Collection;
use world::scenario::Host;

/// Sees another host each time.
struct Counting(AtomicU32);

impl Observe for Counting {
    fn observe(&self) -> Observation {
        let mut observation = Host::fresh().0;
        observation.host = self.0.fetch_add(1, Ordering::SeqCst).to_string();
        observation
    }
}

#[test]
fn a_scrape_that_follows_another_one_at_once_is_a_new_one() {
    let collection = Collection::new(Arc::new(Counting(AtomicU32::new(0))), Duration::from_secs(5));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for expected in 0..5_000 {
        let snapshot = runtime.block_on(collection.snapshot());
        assert_eq!(snapshot.status.host, expected.to_string());
    }
}

//! Embeds the library: compares a checkout with its remote and prints what is not current.
//!
//! `cargo run -p nixfleet-core --example status_of_a_repository -- PATH`

use std::path::PathBuf;

use jiff::Timestamp;
use nixfleet_core::infer;
use nixfleet_core::model::State;
use nixfleet_core::observe::{RepositoryObserver, RepositoryOptions, cache_directory};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let cache_directory = cache_directory().ok_or("set HOME")?;
    let observer = RepositoryObserver::open(&path, RepositoryOptions { cache_directory, ..Default::default() }, "1.0")?;
    observer.check_remote(Timestamp::now());
    let status = infer(&observer.observe(), Timestamp::now());
    for (compartment, found) in status.compartments.iter() {
        if matches!(found.state, State::Outdated | State::Error) {
            println!("{}: {}, {}", compartment.title(), found.state, found.reason);
        }
    }
    Ok(())
}

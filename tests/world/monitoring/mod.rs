//! What watches a fleet: the rules, dashboards and the example for Alertmanager as the repository has them.

pub mod alertmanager;
pub mod dashboard;
pub mod example_fleet;
pub mod http;
pub mod listening;
pub mod many_hosts;
pub mod panel_fields;
pub mod rules;
pub mod server;

use std::path::{Path, PathBuf};

/// A path of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

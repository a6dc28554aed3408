//! Real repositories, and real servers for them, for the tests of Git.

pub mod daemon;
pub mod http;
pub mod repository;
pub mod ssh;
pub mod tcp;
pub mod tls;

use std::time::Duration;

use nixfleet_core::git::{RemoteSource, Timeouts};

/// Limits that let a test see them pass, and that no server of a test reaches on a machine under load. The first two are for
/// the whole process: all tests use the same.
pub const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(6), idle: Duration::from_secs(6), total: Duration::from_mins(2) };

/// A source with these limits.
pub fn source(url: &str, branch: Option<&str>) -> RemoteSource {
    RemoteSource { timeouts: TIMEOUTS, ..RemoteSource::new(url, branch.map(str::to_owned)) }
}

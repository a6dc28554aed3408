//! Real repositories, and real servers for them, for the tests of Git.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its world has failed")]

pub(crate) mod daemon;
pub(crate) mod http;
pub(crate) mod repository;
pub(crate) mod ssh;
pub(crate) mod tcp;
pub(crate) mod tls;

use std::time::Duration;

use nixfleet_core::git::{RemoteSource, Timeouts};

/// Limits that let a test see them pass. The first two are for the whole process: all tests use the same.
pub(crate) const TIMEOUTS: Timeouts =
    Timeouts { connect: Duration::from_secs(2), idle: Duration::from_secs(2), total: Duration::from_secs(30) };

/// A source with these limits.
pub(crate) fn source(url: &str, branch: Option<&str>) -> RemoteSource {
    RemoteSource { timeouts: TIMEOUTS, ..RemoteSource::new(url, branch.map(str::to_owned)) }
}

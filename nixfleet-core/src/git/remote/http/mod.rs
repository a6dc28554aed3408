//! The smart protocol of Git over http and https (gitprotocol-http(5)), on an HTTP client of its own.
//!
//! libgit2 would set up OpenSSL for it, whatever the remote is, which takes longer than all of a look at a directory.

mod answer;
mod exchange;
mod failure;
mod proxy;
mod redirect;
mod running;
mod service_url;
mod token;
mod transport;

pub(super) use running::RunningHttp;
pub(super) use transport::{HttpPlan, SCHEME, URL, transport};

//! The tracked branch of the remote: what its tip is, and what that one commit holds.
//!
//! [`RemoteStore::observe`] asks the remote for its references and fetches only when the tip is new. Addresses may be
//! `https://`, `http://`, `ssh://`, `user@host:path`, `git://`, `file://` and paths. `ssh` is OpenSSH's own, so that
//! its configuration, agents and host key checks work as the administrator knows them; http goes through an HTTP client, with
//! TLS of rustls; the rest is libgit2's.
//!
//! The connect and idle limits of libgit2, for `git://`, are process-wide: the first [`Timeouts`] that are used set them for
//! the process. The total limit is each call's own and holds whatever a server does.

mod address;
mod commit;
mod connection;
mod credentials;
mod deadline;
mod error;
mod http;
mod observe;
mod process_limits;
mod source;
mod ssh_command;
mod ssh_failure;
mod ssh_process;
mod ssh_transport;
mod store;
mod transports;

pub use credentials::Credentials;
#[cfg(feature = "github")]
pub(crate) use credentials::read_token;
pub use error::RemoteError;
pub use source::{RemoteSource, Timeouts};
pub use store::RemoteStore;

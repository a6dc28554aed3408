//! The five compartments of a NixOS host: observe them, infer their states.
//!
//! A NixOS host keeps its configuration as a flake in a Git repository. This library tells how far the host is from what
//! the repository asks for, as five [compartments](model::Compartment) in five [states](model::State).
//! It has no daemon, no D-Bus and no async: other tools embed it.
//!
//! ```no_run
//! use jiff::Timestamp;
//! use nixfleet_core::infer;
//! use nixfleet_core::observe::{RepositoryObserver, RepositoryOptions, cache_directory};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Any checkout of a flake will do: no NixOS, no root, no daemon.
//! let cache_directory = cache_directory().ok_or("set HOME")?;
//! let options = RepositoryOptions { cache_directory, ..RepositoryOptions::default() };
//! let observer = RepositoryObserver::open("/etc/nixos".as_ref(), options, env!("CARGO_PKG_VERSION"))?;
//! observer.check_remote(Timestamp::now());
//!
//! let status = infer(&observer.observe(), Timestamp::now());
//! for (compartment, found) in status.compartments.iter() {
//!     println!("{compartment}: {} ({})", found.state, found.reason);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! | module | what it does | I/O |
//! |---|---|---|
//! | [`model`] | what is told: compartments, states, colours, actions | none |
//! | [`observation`] | what is known of a host at one moment, as plain values | none |
//! | [`mod@infer`] | the rules: from an observation and the time to a status | none |
//! | [`flake_lock`] | reads `flake.lock` and says what differs between two | none |
//! | [`config`] | the configuration of one host | one file |
//! | [`system`] | the running system and the generations | reads files and links |
//! | [`git`] | the local repository, the remote, and how far the two are apart | reads files; network |
//! | `github` (feature) | open pull requests, merges, reverts, a branch's head without a clone | network |
//! | [`mod@tls`] | TLS with the certificates that the system trusts | reads files |
//! | [`state_directory`] | what nixfleet remembers: journal, last answers | reads and writes files |
//! | [`observe`] | fills an observation from all of these | reads; network when told to |
//!
//! Whatever cannot be read is a [value](observation::Reading) of an observation, never a failure of the whole. Errors are
//! sentences that say what failed, on what, and what to do; no secret is in them. Nothing here panics on bad input.
//!
//! libgit2 is compiled in, without TLS: http goes through an HTTP client with rustls, and `ssh` is run for remotes that are
//! reached through it.
//!
//! # Features
//!
//! `github`, off by default: the module `github` asks GitHub for open pull requests, merges and reverts them. It is async
//! and brings an HTTP client.

mod age;
pub mod config;
pub mod flake_lock;
pub mod git;
#[cfg(feature = "github")]
pub mod github;
pub mod infer;
pub mod model;
pub mod observation;
pub mod observe;
mod one_line;
mod revision;
mod sha256;
pub mod state_directory;
pub mod system;
pub mod tls;

pub use age::Age;
pub use infer::infer;
pub use one_line::disturbs;
pub use revision::{InvalidRevision, Revision};
pub use sha256::{InvalidSha256, Sha256};

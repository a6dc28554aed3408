//! The five compartments of a NixOS host: observe them, infer their states.
//!
//! A NixOS host keeps its configuration as a flake in a Git repository. This library tells how far the host is from what
//! the repository asks for, as five [compartments](model::Compartment) in five [states](model::State).
//! It has no daemon, no D-Bus and no async: other tools embed it.

mod age;
pub mod config;
pub mod flake_lock;
pub mod git;
pub mod infer;
pub mod model;
pub mod observation;
pub mod observe;
mod one_line;
mod revision;
mod sha256;
pub mod state_directory;
pub mod system;

pub use age::Age;
pub use infer::infer;
pub use revision::{InvalidRevision, Revision};
pub use sha256::{InvalidSha256, Sha256};

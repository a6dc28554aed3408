//! Another host, reached over ssh by OpenSSH's own `ssh`: it knows the user's keys, agent, jumps and known hosts.
//!
//! One connection serves everything that is asked of a host (a master with a socket of its own, see `ControlMaster` in
//! `man ssh_config`). Nobody is ever asked for a password or whether a key is right.

mod arguments;
mod connection;
mod destination;
mod error;
mod failure;

pub(crate) use arguments::SshArguments;
pub(crate) use connection::SshConnection;
pub use destination::{DestinationError, SshDestination};
pub use error::SshError;

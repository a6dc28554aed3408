//! Where the hosts of a fleet come from.

mod hosts_file;

pub use hosts_file::HostsFileError;
pub(crate) use hosts_file::{ListedHost, read};

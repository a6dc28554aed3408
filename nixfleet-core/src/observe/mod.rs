//! Fills an [`Observation`](crate::observation::Observation) from a real host, or from a repository alone.
//!
//! Whatever cannot be read is a value in the observation: observing never fails as a whole.

mod cache_directory;
mod host;
mod local;
mod repository;
mod tests_directory;
mod timed;

pub use cache_directory::cache_directory;
pub use host::HostObserver;
pub use repository::{RepositoryObserver, RepositoryOptions};
pub use tests_directory::{TestsCommit, TestsCommitReason};

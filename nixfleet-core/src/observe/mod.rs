//! Fills an [`Observation`](crate::observation::Observation) from a real host, or from a repository alone.
//!
//! Whatever cannot be read is a value in the observation: observing never fails as a whole.

mod tests_directory;
mod timed;

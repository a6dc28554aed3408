//! The bounds that the rules work with.

use std::time::Duration;

/// When silence and failed attempts start to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferenceSettings {
    /// An agent whose last heartbeat is older than this is silent. Default: 3 minutes.
    pub heartbeat_deadline: Duration,
    /// The remote counts as unreadable after this many failures in a row … Default: 3.
    pub remote_grace_tries: u32,
    /// … that go on for at least this long. Default: 15 minutes.
    pub remote_grace: Duration,
}

impl Default for InferenceSettings {
    fn default() -> Self {
        Self {
            heartbeat_deadline: Duration::from_mins(3),
            remote_grace_tries: 3,
            remote_grace: Duration::from_mins(15),
        }
    }
}

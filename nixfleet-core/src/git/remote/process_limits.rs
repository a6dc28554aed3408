//! libgit2's connect and idle limits, which are one for the whole process.

use std::sync::OnceLock;
use std::time::Duration;

use super::Timeouts;

/// Sets the limits, the first time only: changing them while others connect would be a race.
pub(super) fn set_process_limits(timeouts: Timeouts) {
    static SET: OnceLock<()> = OnceLock::new();
    SET.get_or_init(|| {
        #[allow(unsafe_code, reason = "libgit2 keeps these limits in process-wide variables")]
        // SAFETY: each stores one aligned int, once, before any connection that this module makes; libgit2 reads it
        // when a connection is made.
        let outcome = unsafe {
            git2::opts::set_server_connect_timeout_in_milliseconds(milliseconds(timeouts.connect))
                .and_then(|()| git2::opts::set_server_timeout_in_milliseconds(milliseconds(timeouts.idle)))
        };
        if let Err(error) = outcome {
            tracing::warn!("libgit2 takes no limits for connections: {}", error.message());
        }
    });
}

/// At least one: zero would mean no limit.
fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX).max(1)
}

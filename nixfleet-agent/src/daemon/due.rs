//! When something is to be done again, by either clock.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A moment to come. The machine's clock stands still while it sleeps, the other one may be set: whichever is first counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    instant: Instant,
    timestamp: Timestamp,
}

impl Due {
    /// After this pause.
    pub(crate) fn after(pause: Duration) -> Self {
        // Far beyond any use, and within what both clocks can say.
        let pause = pause.min(Duration::from_hours(24 * 365));
        let timestamp = Timestamp::now().checked_add(pause).unwrap_or(Timestamp::MAX);
        Self { instant: Instant::now() + pause, timestamp }
    }

    /// For a sleep.
    pub(crate) const fn instant(self) -> Instant {
        self.instant
    }

    /// For people.
    pub(crate) const fn timestamp(self) -> Timestamp {
        self.timestamp
    }

    /// Whether it has come.
    pub(crate) fn has_come(self) -> bool {
        Instant::now() >= self.instant || Timestamp::now() >= self.timestamp
    }
}

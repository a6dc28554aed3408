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
        self.comes_within(Duration::ZERO)
    }

    /// Whether it has come, or will within so long.
    pub(crate) fn comes_within(self, slack: Duration) -> bool {
        Instant::now() + slack >= self.instant
            || Timestamp::now().checked_add(slack).is_ok_and(|soon| soon >= self.timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_after_its_pause_and_no_sooner_than_it_may() {
        let minutes = Duration::from_mins;
        let due = Due::after(minutes(5));
        assert!(!due.has_come() && !due.comes_within(minutes(4)) && due.comes_within(minutes(5)));
        assert!(Due::after(Duration::ZERO).has_come());
        assert!(!Due::after(Duration::MAX).comes_within(minutes(5)), "beyond any clock");
    }
}

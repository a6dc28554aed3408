//! Spans of time in the words of people.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

/// The time from `then` to `now`, shown in its largest unit: `40 s`, `4 min`, `3 h`, `12 d`. Nothing is below 0 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    seconds: i64,
}

impl Age {
    /// The time from `then` to `now`.
    #[must_use]
    pub fn between(then: Timestamp, now: Timestamp) -> Self {
        Self { seconds: now.duration_since(then).as_secs().max(0) }
    }
}

impl From<Duration> for Age {
    fn from(duration: Duration) -> Self {
        Self { seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX) }
    }
}

impl Age {
    /// As a moment in the past: `4 min ago`, or `just now`.
    pub(crate) const fn ago(self) -> Ago {
        Ago(self)
    }

    /// As what an operation has been doing: `has been running for 4 min`, or `has just started`.
    pub(crate) const fn running(self) -> Running {
        Running(self)
    }
}

/// See [`Age::ago`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ago(Age);

impl fmt::Display for Ago {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.seconds == 0 { formatter.write_str("just now") } else { write!(formatter, "{} ago", self.0) }
    }
}

/// See [`Age::running`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running(Age);

impl fmt::Display for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.seconds == 0 {
            formatter.write_str("has just started")
        } else {
            write!(formatter, "has been running for {}", self.0)
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: i64 = 60;
        const HOUR: i64 = 60 * MINUTE;
        const DAY: i64 = 24 * HOUR;
        let (count, unit) = match self.seconds {
            seconds if seconds < 2 * MINUTE => (seconds, "s"),
            seconds if seconds < 2 * HOUR => (seconds / MINUTE, "min"),
            seconds if seconds < 2 * DAY => (seconds / HOUR, "h"),
            seconds => (seconds / DAY, "d"),
        };
        formatter.pad(&format!("{count} {unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_unit() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        for (seconds, text) in [
            (-5, "0 s"),
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
        ] {
            let then = Timestamp::from_second(1_000_000_000 - seconds).unwrap();
            assert_eq!(Age::between(then, now).to_string(), text);
        }
        let age = |seconds| Age { seconds };
        assert_eq!([age(0).ago().to_string(), age(1).ago().to_string()], ["just now", "1 s ago"]);
        assert_eq!(
            [age(0).running().to_string(), age(240).running().to_string()],
            ["has just started", "has been running for 4 min"]
        );
        assert_eq!(Age::between(Timestamp::MIN, Timestamp::MAX).to_string(), "7304481 d");
    }
}

//! Spans of time in the words of people.

use std::fmt;

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
        assert_eq!(Age::between(Timestamp::MIN, Timestamp::MAX).to_string(), "7304481 d");
    }
}

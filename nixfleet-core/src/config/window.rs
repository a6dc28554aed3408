//! Calendar windows: when the agent may act by itself.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// A time of day, on some days of the week, in the host's local time: `Mon..Fri 02:00-05:00`.
///
/// The days are names, ranges of names, or several of those with a comma between; without days it is every day. A day is
/// the one on which the window opens. A window that ends no later than it begins ends on the day after; `24:00` is the
/// end of the day. The last minute is not in it: a window to 05:00 is closed at 05:00:00.
///
/// The clock on the wall counts. Where it is put forward over a whole window, that window does not open on that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CalendarWindow {
    text: String,
    /// From Monday on.
    opens_on: [bool; 7],
    opens_at: Time,
    /// `None`: midnight.
    closes_at: Option<Time>,
}

/// The text is not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a window ({problem}): write it like \"Mon..Fri 02:00-05:00\"")]
pub struct InvalidWindow {
    text: String,
    problem: String,
}

impl CalendarWindow {
    /// Whether it is open at this local time.
    #[must_use]
    pub fn is_open_at(&self, at: DateTime) -> bool {
        let (date, time) = (at.date(), at.time());
        let of_today =
            self.opens_on(date) && time >= self.opens_at && (self.ends_next_day() || self.is_before_end(time));
        let of_yesterday = || {
            self.ends_next_day()
                && self.is_before_end(time)
                && date.yesterday().is_ok_and(|yesterday| self.opens_on(yesterday))
        };
        of_today || of_yesterday()
    }

    /// When it next opens after this local time; absent only at the end of all calendars.
    #[must_use]
    pub fn next_opening(&self, after: DateTime) -> Option<DateTime> {
        let mut date = after.date();
        for _ in 0..8 {
            let opening = date.to_datetime(self.opens_at);
            if self.opens_on(date) && opening > after {
                return Some(opening);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn opens_on(&self, date: Date) -> bool {
        let index = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.opens_on.get(index).copied().unwrap_or_default()
    }

    fn ends_next_day(&self) -> bool {
        self.closes_at.is_some_and(|closes_at| closes_at <= self.opens_at)
    }

    fn is_before_end(&self, time: Time) -> bool {
        self.closes_at.is_none_or(|closes_at| time < closes_at)
    }
}

impl FromStr for CalendarWindow {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |problem: String| InvalidWindow { text: text.chars().take(100).collect(), problem };
        let mut words = text.split_whitespace();
        let (days, times) = match (words.next(), words.next(), words.next()) {
            (Some(times), None, None) => (None, times),
            (Some(days), Some(times), None) => (Some(days), times),
            _ => return Err(invalid("days and times, one space between, are expected".to_owned())),
        };
        let opens_on = days.map_or(Ok([true; 7]), parse_days).map_err(invalid)?;
        let (from, to) = times.split_once('-').ok_or_else(|| invalid("the times lack a hyphen".to_owned()))?;
        let opens_at = parse_time(from).map_err(invalid)?;
        let closes_at = if to == "24:00" { None } else { Some(parse_time(to).map_err(invalid)?) };
        Ok(Self { text: text.to_owned(), opens_on, opens_at, closes_at })
    }
}

fn parse_days(text: &str) -> Result<[bool; 7], String> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (first, last) = (parse_day(first)?, parse_day(last)?);
        // Over the end of the week, as in Sat..Mon, too.
        let mut index = first;
        loop {
            if let Some(day) = days.get_mut(index) {
                *day = true;
            }
            if index == last {
                break;
            }
            index = (index + 1) % DAYS.len();
        }
    }
    Ok(days)
}

fn parse_day(text: &str) -> Result<usize, String> {
    DAYS.iter().position(|(name, _)| *name == text).ok_or_else(|| format!("{text:?} is not one of Mon, Tue, … Sun"))
}

fn parse_time(text: &str) -> Result<Time, String> {
    let invalid = || format!("{text:?} is not a time like 02:00");
    let (hour, minute) = text.split_once(':').ok_or_else(invalid)?;
    let number = |digits: &str| -> Option<i8> {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
    };
    let (Some(hour), Some(minute)) = (number(hour), number(minute)) else { return Err(invalid()) };
    Time::new(hour, minute, 0, 0).map_err(|_| invalid())
}

impl TryFrom<String> for CalendarWindow {
    type Error = InvalidWindow;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CalendarWindow> for String {
    fn from(window: CalendarWindow) -> Self {
        window.text
    }
}

impl fmt::Display for CalendarWindow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_and_closes() {
        // 2026-11-23 is a Monday.
        for (window, at, is_open) in [
            ("Mon..Fri 02:00-05:00", "2026-11-23T01:59:59", false),
            ("Mon..Fri 02:00-05:00", "2026-11-23T02:00:00", true),
            ("Mon..Fri 02:00-05:00", "2026-11-23T04:59:59.999", true),
            ("Mon..Fri 02:00-05:00", "2026-11-23T05:00:00", false),
            ("Mon..Fri 02:00-05:00", "2026-11-22T03:00:00", false),
            ("02:00-05:00", "2026-11-22T03:00:00", true),
            ("Sat,Sun 00:00-24:00", "2026-11-22T23:59:59", true),
            ("Sat,Sun 00:00-24:00", "2026-11-23T00:00:00", false),
            ("Sat..Mon 10:00-11:00", "2026-11-23T10:30:00", true),
            ("Sat..Mon 10:00-11:00", "2026-11-24T10:30:00", false),
            ("Sun 22:00-04:00", "2026-11-22T21:59:00", false),
            ("Sun 22:00-04:00", "2026-11-22T22:00:00", true),
            ("Sun 22:00-04:00", "2026-11-23T03:59:00", true),
            ("Sun 22:00-04:00", "2026-11-23T04:00:00", false),
            ("Sun 22:00-04:00", "2026-11-23T22:30:00", false),
            ("06:00-06:00", "2026-11-23T05:59:00", true),
        ] {
            let parsed: CalendarWindow = window.parse().unwrap();
            assert_eq!(parsed.is_open_at(at.parse().unwrap()), is_open, "{window} {at}");
        }
    }

    #[test]
    fn next_opens() {
        for (window, after, expected) in [
            ("Mon..Fri 02:00-05:00", "2026-11-23T01:00:00", "2026-11-23T02:00:00"),
            ("Mon..Fri 02:00-05:00", "2026-11-23T02:00:00", "2026-11-24T02:00:00"),
            ("Mon..Fri 02:00-05:00", "2026-11-27T06:00:00", "2026-11-30T02:00:00"),
            ("Mon 02:00-05:00", "2026-11-23T03:00:00", "2026-11-30T02:00:00"),
        ] {
            let window: CalendarWindow = window.parse().unwrap();
            assert_eq!(
                window.next_opening(after.parse().unwrap()),
                Some(expected.parse().unwrap()),
                "{window} {after}"
            );
        }
    }

    #[test]
    fn what_is_no_window_is_said() {
        for (text, problem) in [
            ("", "days and times"),
            ("Mon..Fri", "hyphen"),
            ("mon 02:00-05:00", "\"mon\" is not one of"),
            ("Mon..Foo 02:00-05:00", "\"Foo\""),
            ("Mon 2:00-05:00", "\"2:00\" is not a time"),
            ("Mon 02:00-25:00", "\"25:00\""),
            ("24:00-02:00", "\"24:00\""),
            ("Mon 02:00-05:60", "\"05:60\""),
            ("Mon 02:00 - 05:00", "days and times"),
            ("Mon, Tue 02:00-05:00", "days and times"),
            ("Mon ++:00-05:00", "is not a time"),
        ] {
            let error = text.parse::<CalendarWindow>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("Mon..Fri 02:00-05:00"), "{text}: {error}");
        }
    }
}

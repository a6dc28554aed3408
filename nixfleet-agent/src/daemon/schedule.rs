//! When the agent next looks at the remote. Pure.

use std::time::Duration;

use nixfleet_core::Sha256;

/// Without an answer the agent tries ever less often, and at least this often.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// How long after the last attempt to look at the remote again.
///
/// The interval is given or taken up to a tenth, by host and attempt, so that a fleet does not come at once. It doubles
/// with each failure in a row after the first, to half an hour at most (or the interval, where that is longer).
pub(crate) fn pause(interval: Duration, failures_in_a_row: u32, host: &str, attempt: u64) -> Duration {
    let doubled = 2_u32.saturating_pow(failures_in_a_row.saturating_sub(1));
    let pause = interval.saturating_mul(doubled).min(LONGEST_PAUSE.max(interval));
    let digest = Sha256::of(format!("{host}\n{attempt}").as_bytes()).to_string();
    let spread = digest.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    // From 90 % to 110 %.
    (pause / 10).saturating_mul(9).saturating_add(pause.mul_f64(f64::from(spread) / f64::from(u16::MAX) / 5.0))
}

/// How much sooner a look may come where the agent is awake anyway for another one: the processor sleeps longer where both
/// fall together. Both are spread by a tenth either way, so that equal intervals meet.
pub(crate) fn slack(interval: Duration) -> Duration {
    interval / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_does_not_come_at_once() {
        let interval = Duration::from_mins(5);
        let pauses: Vec<_> = (0..1000).map(|host| pause(interval, 0, &format!("web{host}"), 7)).collect();
        assert!(pauses.iter().all(|pause| (270..=330).contains(&pause.as_secs())), "{pauses:?}");
        for second in [275, 285, 295, 305, 315, 325] {
            let near = pauses.iter().filter(|pause| pause.as_secs().abs_diff(second) <= 5).count();
            assert!(near > 100, "{near} of 1000 hosts near {second} s");
        }
        assert_eq!(pause(interval, 0, "web1", 7), pause(interval, 0, "web1", 7), "a restart changes nothing");
    }

    #[test]
    fn failures_make_it_rare_and_never_stop_it() {
        let minutes =
            |interval, failures| (pause(Duration::from_mins(interval), failures, "web1", 0).as_secs() + 30) / 60;
        let expected = [(0, 5), (1, 5), (2, 10), (3, 20), (4, 30), (5, 30), (u32::MAX, 30)];
        for (failures, expected) in expected {
            let pause = minutes(5, failures);
            assert!(pause.abs_diff(expected) <= expected / 10 + 1, "{failures} failures: {pause} min");
        }
        assert!(minutes(120, 9) >= 108, "never more often than configured");
        assert!(pause(Duration::from_secs(u64::MAX), 40, "web1", 0) > Duration::ZERO);
    }
}

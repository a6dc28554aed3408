//! When GitHub may be asked again. Pure; the rules are those of "Rate limits for the REST API" in GitHub's documentation.

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

/// What GitHub recommends where a secondary limit has no header.
const SECONDARY_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// A primary limit lasts an hour: who says more is not believed.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(2);

/// Until when nothing may be asked; `None` where the answer is not about a limit. `said` is the message of the body.
pub(super) fn limited_until(status: StatusCode, headers: &HeaderMap, said: &str, now: Timestamp) -> Option<Timestamp> {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let latest = now.saturating_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX);
    let after = |pause| now.saturating_add(pause).unwrap_or(Timestamp::MAX);
    if let Some(seconds) = number(headers, "retry-after") {
        return Some(after(SignedDuration::from_secs(seconds)).min(latest));
    }
    if number(headers, "x-ratelimit-remaining") == Some(0) {
        return Some(reset(headers, now).unwrap_or_else(|| after(SECONDARY_PAUSE)).clamp(now, latest));
    }
    let is_limit = status == StatusCode::TOO_MANY_REQUESTS || said.to_ascii_lowercase().contains("rate limit");
    is_limit.then(|| after(SECONDARY_PAUSE))
}

/// The answer says that the limit is reached, in words of its own: until when.
pub(super) fn spent_until(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    used_up_until(headers, now).unwrap_or_else(|| now.saturating_add(SECONDARY_PAUSE).unwrap_or(Timestamp::MAX))
}

/// The answer was a good one, and the last that is allowed for now: until when.
pub(super) fn used_up_until(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let latest = now.saturating_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX);
    let is_last = number(headers, "x-ratelimit-remaining") == Some(0);
    is_last.then(|| reset(headers, now)).flatten().map(|at| at.min(latest)).filter(|at| *at > now)
}

fn reset(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let at = Timestamp::from_second(number(headers, "x-ratelimit-reset")?).ok()?;
    // Its clock and ours may differ a little: rather a second late.
    Some(at.max(now).saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX))
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok().filter(|number| *number >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_limit_is_told_from_a_missing_right() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (status, pairs, said, seconds) in [
            (403, &[][..], "Resource not accessible by integration", None),
            (403, &[("x-ratelimit-remaining", "4999")], "Must have admin rights to Repository.", None),
            (403, &[("retry-after", "30")], "You have exceeded a secondary rate limit", Some(30)),
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000600")],
                "API rate limit exceeded",
                Some(601),
            ),
            (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")], "API rate limit exceeded", Some(1)),
            (
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999")],
                "API rate limit exceeded",
                Some(7200),
            ),
            (403, &[], "You have exceeded a secondary rate limit", Some(60)),
            (429, &[], "", Some(60)),
            (429, &[("retry-after", "999999999")], "", Some(7200)),
            (429, &[("retry-after", "-5")], "", Some(60)),
            (429, &[("retry-after", "soon")], "", Some(60)),
            (404, &[("retry-after", "30")], "Not Found", None),
        ] {
            let until = limited_until(StatusCode::from_u16(status).unwrap(), &headers(pairs), said, now);
            let waited = until.map(|until| until.duration_since(now).as_secs());
            assert_eq!(waited, seconds, "{status} {pairs:?} {said}");
        }
    }

    #[test]
    fn the_last_request_that_is_allowed_is_noticed() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let of = |pairs: &[(&'static str, &str)]| used_up_until(&headers(pairs), now).map(Timestamp::as_second);
        assert_eq!(of(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000010")]), Some(1_000_011));
        assert_eq!(of(&[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "1000010")]), None);
        assert_eq!(of(&[]), None);
    }
}

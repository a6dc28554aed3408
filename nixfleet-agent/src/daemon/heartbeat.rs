//! `agent.json`: the agent's sign of life.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::observation::AgentHeartbeat;
use nixfleet_core::state_directory::RuntimeDirectory;

/// At rest nothing else wakes the agent up.
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// The commit that this program was built from: `NIXFLEET_REVISION` at build time.
const REVISION: Option<&str> = option_env!("NIXFLEET_REVISION");

/// Gives signs of life.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    runtime: RuntimeDirectory,
    started_at: Timestamp,
    /// A problem is said once, not each minute.
    is_failing: bool,
}

impl Heartbeat {
    pub(crate) const fn new(runtime: RuntimeDirectory, started_at: Timestamp) -> Self {
        Self { runtime, started_at, is_failing: false }
    }

    /// Writes it. That it cannot be written is no reason to end: the state shows it.
    pub(crate) fn beat(&mut self, now: Timestamp, next_check_at: Option<Timestamp>) {
        let heartbeat = AgentHeartbeat {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: REVISION.and_then(|revision| revision.parse().ok()),
            started_at: self.started_at,
            heartbeat_at: now,
            next_check_at,
        };
        let written = self.runtime.write_agent(&heartbeat);
        if let (Err(error), false) = (&written, self.is_failing) {
            tracing::error!("{error}");
        }
        self.is_failing = written.is_err();
    }
}

/// How often: a minute, or as often as a deadline needs it. Three are missed before an agent counts as silent.
pub(crate) fn interval(deadline_seconds: u64, watchdog: Option<Duration>) -> Duration {
    let of_deadline = Duration::from_secs(deadline_seconds) / 3;
    let shortest = Duration::from_millis(100);
    LONGEST_INTERVAL.min(of_deadline).min(watchdog.unwrap_or(LONGEST_INTERVAL)).max(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_often_enough_and_not_more() {
        let seconds = Duration::from_secs;
        for (deadline, watchdog, expected) in [
            (180, Some(seconds(90)), seconds(60)),
            (180, None, seconds(60)),
            (3600, None, seconds(60)),
            (30, None, seconds(10)),
            (180, Some(seconds(5)), seconds(5)),
            (1, None, Duration::from_secs(1) / 3),
        ] {
            assert_eq!(interval(deadline, watchdog), expected, "{deadline} {watchdog:?}");
        }
    }
}

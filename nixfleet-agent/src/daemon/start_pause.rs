//! Units that leave no trace are not started again at once.

use std::time::{Duration, Instant};

use nixfleet_core::observation::Operation;

use super::evidence::JournalStamp;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_mins(30);

/// The last start. The policy judges by the journal of operations; this is for starts that it never shows, because polkit
/// refused or the unit is broken.
#[derive(Debug, Default)]
pub(crate) struct StartPause {
    last: Option<(Operation, Option<JournalStamp>)>,
    in_vain: u32,
    until: Option<Instant>,
}

impl StartPause {
    /// Until when this start has to wait, with the journal as it is.
    pub(crate) fn wait_until(
        &self,
        operation: Operation,
        stamp: Option<JournalStamp>,
        now: Instant,
    ) -> Option<Instant> {
        self.until.filter(|until| self.last == Some((operation, stamp)) && *until > now)
    }

    /// A start is about to be tried.
    pub(crate) fn started(&mut self, operation: Operation, stamp: Option<JournalStamp>, now: Instant) {
        self.in_vain = if self.last == Some((operation, stamp)) { self.in_vain.saturating_add(1) } else { 0 };
        self.last = Some((operation, stamp));
        let pause = FIRST.saturating_mul(2_u32.saturating_pow(self.in_vain)).min(LONGEST);
        self.until = now.checked_add(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_leaves_no_trace_becomes_rare() {
        let mut pause = StartPause::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert_eq!(pause.wait_until(Operation::Pull, None, now), None);
            pause.started(Operation::Pull, None, now);
            let until = pause.wait_until(Operation::Pull, None, now).unwrap();
            waits.push((until - now).as_secs());
            now = until;
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800, 1800]);
        assert_eq!(pause.wait_until(Operation::Switch, None, now), None, "another operation is not concerned");
    }
}

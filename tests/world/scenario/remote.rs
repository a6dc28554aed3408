//! What happens on the remote, and to looks at it.

use nixfleet_core::observation::{BoundedCount, Divergence, RemoteAttempt};

use super::{Host, before, lock, revision};

impl Host {
    pub fn remote_gets(mut self, tip: char, lock_content: Option<&str>) -> Self {
        let head = self.head();
        let last_good = self.0.remote.last_good.as_mut().unwrap();
        last_good.earlier_tips = last_good.tips_up_to_here();
        last_good.revision = revision(tip);
        last_good.subject = "flake.lock: update".into();
        last_good.lock = lock_content.map(lock);
        last_good.first_seen_at = before(20);
        let behind = u32::from(head != Some(revision(tip)));
        self.0.divergence = Some(Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(behind) });
        self
    }

    pub fn remote_has_newer_commit(self) -> Self {
        self.remote_gets('b', Some("a"))
    }

    pub fn remote_without_lock(self) -> Self {
        self.remote_gets('b', None)
    }

    pub fn remote_fails(mut self, tries: u32, minutes: u64) -> Self {
        if let Some(last_good) = &mut self.0.remote.last_good {
            last_good.confirmed_at = before(minutes);
        }
        self.0.remote.last_attempt = Some(RemoteAttempt {
            at: before(0),
            error: Some("cannot connect to example.org: check the network".into()),
            failures_in_a_row: tries,
            failing_since: Some(before(minutes)),
            last_success_at: Some(before(minutes)),
            succeeded_total: 9,
            succeeded_in_pulls_total: 0,
            failed_total: u64::from(tries),
            not_before: None,
        });
        self
    }

    pub fn remote_unreadable_record(mut self) -> Self {
        self.0.remote.last_good = None;
        self.0.remote.problem = Some("remote.json is empty".into());
        self
    }
}

//! Pull requests come and go.

use nixfleet_core::observation::{PullRequest, PullRequestList};

use super::{Host, before};

impl Host {
    pub fn pull_request_opened(mut self) -> Self {
        self.0.pull_requests.last_good = Some(PullRequestList {
            observed_at: before(5),
            remote_url: None,
            open: vec![PullRequest {
                number: 7,
                url: "https://example.org/fleet/pull/7".into(),
                title: "flake.lock: update".into(),
                opened_at: before(90),
                head_revision: None,
                author: None,
            }],
        });
        self
    }

    pub fn pull_request_merged(mut self) -> Self {
        self.0.pull_requests.last_good =
            Some(PullRequestList { observed_at: before(5), open: Vec::new(), remote_url: None });
        self.remote_gets('b', Some("b"))
    }

    pub fn pull_request_reverted(self) -> Self {
        self.remote_gets('d', Some("a"))
    }

    pub fn pull_requests_unreadable(mut self) -> Self {
        self.0.pull_requests.error = Some("the forge answered 502".into());
        self
    }
}

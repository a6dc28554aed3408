//! The agent, as its sign of life tells.

use jiff::Timestamp;
use nixfleet_core::observation::Reading;

use super::{Host, before, revision};

impl Host {
    pub fn agent_version_differs(mut self) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.version = "0.0.9".into();
        }
        self
    }

    pub fn heartbeat_at(mut self, at: Timestamp) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.heartbeat_at = at;
        }
        self
    }

    /// The agent was built from one commit, the tracked `flake.lock` pins another.
    pub fn agent_revisions(mut self, running: char, pinned: char) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.revision = Some(revision(running));
        }
        self.0.agent.pinned_revision = Some(revision(pinned));
        self
    }

    pub fn new_agent_up(mut self) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.version.clone_from(&self.0.agent.observer_version);
            heartbeat.started_at = before(2);
        }
        self
    }

    pub fn agent_silent(mut self) -> Self {
        if let Reading::Present(heartbeat) = &mut self.0.agent.heartbeat {
            heartbeat.heartbeat_at = before(30);
        }
        self
    }
}

//! The agent, as it last said itself.

use jiff::Timestamp;

use super::Reading;
use crate::Revision;

/// What is known of the running agent, and which one is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentObservation {
    /// The agent's last sign of life.
    pub heartbeat: Reading<AgentHeartbeat>,
    /// The revision that the tracked branch's `flake.lock` pins for the input `nixfleet`, where it has one.
    pub pinned_revision: Option<Revision>,
    /// The version of the nixfleet program that observes: a switch replaces it at once, the agent follows by itself.
    pub observer_version: String,
}

/// The agent's sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentHeartbeat {
    /// The version of the running agent.
    pub version: String,
    /// The revision that the running agent was built from; absent for a build from no commit or a dirty work tree.
    pub revision: Option<Revision>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last gave a sign.
    pub heartbeat_at: Timestamp,
    /// When it will next look at the remote.
    pub next_check_at: Option<Timestamp>,
}

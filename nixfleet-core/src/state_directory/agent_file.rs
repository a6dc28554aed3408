//! `agent.json`: the agent's sign of life.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;
use crate::observation::AgentHeartbeat;

/// As it is in the file, where `version` is that of the format.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AgentFile {
    agent_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    started_at: Timestamp,
    heartbeat_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_check_at: Option<Timestamp>,
}

impl From<&AgentHeartbeat> for AgentFile {
    fn from(heartbeat: &AgentHeartbeat) -> Self {
        let AgentHeartbeat { version, revision, started_at, heartbeat_at, next_check_at } = heartbeat.clone();
        Self { agent_version: version, revision, started_at, heartbeat_at, next_check_at }
    }
}

impl From<AgentFile> for AgentHeartbeat {
    fn from(file: AgentFile) -> Self {
        let AgentFile { agent_version, revision, started_at, heartbeat_at, next_check_at } = file;
        Self { version: agent_version, revision, started_at, heartbeat_at, next_check_at }
    }
}

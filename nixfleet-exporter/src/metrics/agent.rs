//! The agent, as it last said itself.

use std::fmt;

use nixfleet_core::observation::{AgentObservation, Reading};
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind, Value};
use super::label::Label;

const INFO: Family<4> = Family {
    name: "nixfleet_agent_info",
    help: "The running agent and the expected one",
    kind: Kind::Info,
    labels: ["version", "revision", "expected_version", "expected_revision"],
};

const HEARTBEAT: Family = Family {
    name: "nixfleet_agent_heartbeat_timestamp_seconds",
    help: "When the agent last gave a sign of life",
    kind: Kind::Gauge,
    labels: [],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, agent: &AgentObservation) -> fmt::Result {
    if matches!(agent.heartbeat, Reading::NotObserved) {
        return Ok(());
    }
    let heartbeat = agent.heartbeat.present();
    let labels = [
        Label::of(heartbeat.map(|heartbeat| &heartbeat.version)),
        Label::of(heartbeat.and_then(|heartbeat| heartbeat.revision.as_ref())),
        Label::from(agent.observer_version.as_str()),
        Label::of(agent.pinned_revision.as_ref()),
    ];
    INFO.encode(encoder, [(labels, Value::ONE)])?;
    HEARTBEAT.encode_one(encoder, heartbeat.map(|heartbeat| heartbeat.heartbeat_at.into()))
}

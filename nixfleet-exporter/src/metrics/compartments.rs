//! The five compartments.

use std::fmt;

use nixfleet_core::model::{Compartment, HostStatus, State};
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind};
use super::label::Label;

const STATE: Family<2> = Family {
    name: "nixfleet_compartment_state",
    help: "Whether the compartment is in this state: 1 for one of the five states, 0 for the others",
    kind: Kind::Gauge,
    labels: ["compartment", "state"],
};

const STATE_SINCE: Family<1> = Family {
    name: "nixfleet_compartment_state_since_timestamp_seconds",
    help: "Since when the compartment is in its state, as far as the evidence tells",
    kind: Kind::Gauge,
    labels: ["compartment"],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, status: &HostStatus) -> fmt::Result {
    let all = Compartment::ALL.into_iter().flat_map(|compartment| State::ALL.map(|state| (compartment, state)));
    let one_hot = all.map(|(compartment, state)| {
        let is_in_it = status.compartments.get(compartment).state == state;
        ([Label::from(compartment.name()), Label::from(state.name())], is_in_it.into())
    });
    STATE.encode(encoder, one_hot)?;
    let since = status.compartments.iter().filter_map(|(compartment, compartment_status)| {
        Some(([Label::from(compartment.name())], compartment_status.since?.into()))
    });
    STATE_SINCE.encode(encoder, since)
}

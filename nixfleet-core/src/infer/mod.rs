//! The rules.
use crate::model::HostStatus;
use crate::observation::Observation;
/// x
pub fn infer(_: &Observation, _: jiff::Timestamp) -> HostStatus {
    todo!()
}

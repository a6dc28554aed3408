//! Since when the running system runs.

use jiff::Timestamp;

use crate::observation::Observation;

/// Since when the running system runs, where the evidence tells: nixfleet deployed it, or its generation is newer than
/// what nixfleet deployed last. An older generation was made for another time that it ran.
pub(super) fn running_since(observation: &Observation) -> Option<Timestamp> {
    let running = observation.system.running.present()?;
    let deployed = observation.operations.deployed.as_ref();
    if let Some(deployed) = deployed.filter(|deployed| deployed.store_path == running.store_path) {
        return Some(deployed.at);
    }
    let created_at = observation.system.generation_of(&running.store_path)?.created_at;
    deployed.is_none_or(|deployed| created_at > deployed.at).then_some(created_at)
}

//! The running system and its generations.

use std::fmt;

use nixfleet_core::infer::{changed_outside, rollback_held};
use nixfleet_core::observation::Observation;
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind, Value};
use super::label::Label;

const INFO: Family<4> = Family {
    name: "nixfleet_system_info",
    help: "The running system",
    kind: Kind::Info,
    labels: ["revision", "nixos_version", "kernel", "store_path"],
};

const GENERATION: Family = gauge("nixfleet_system_generation", "The generation that runs");

const BOOTED_GENERATION: Family = gauge("nixfleet_system_booted_generation", "The generation that was booted");

const GENERATIONS: Family = gauge("nixfleet_system_generations", "Generations to go back to, the running one included");

const GENERATION_CREATED: Family =
    gauge("nixfleet_system_generation_created_timestamp_seconds", "When the generation that runs was made");

const CHANGED_OUTSIDE: Family = gauge(
    "nixfleet_system_changed_outside",
    "Whether the running system is neither the one that nixfleet deployed last nor one built from local HEAD",
);

const REBOOT_REQUIRED: Family = gauge(
    "nixfleet_system_reboot_required",
    "Whether kernel, initrd or kernel modules of the booted system are not those of the running one",
);

const ROLLBACK_HELD: Family = gauge(
    "nixfleet_system_rollback_held",
    "Whether local HEAD is held, by a rollback that stepped back from it or by a person, and does not run",
);

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, help, kind: Kind::Gauge, labels: [] }
}

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, observation: &Observation) -> fmt::Result {
    let system = &observation.system;
    let running = system.running.present();
    if let Some(running) = running {
        let labels = [
            Label::of(running.revision.as_ref()),
            Label::of(running.nixos_version.as_ref()),
            Label::of(running.kernel_version.as_ref()),
            Label::of(Some(running.store_path.display())),
        ];
        INFO.encode(encoder, [(labels, Value::ONE)])?;
    }
    let generation = running.and_then(|running| system.generation_of(&running.store_path));
    let booted = system.booted_store_path.present().and_then(|booted| system.generation_of(booted));
    GENERATION.encode_one(encoder, generation.map(|generation| generation.number.into()))?;
    BOOTED_GENERATION.encode_one(encoder, booted.map(|generation| generation.number.into()))?;
    GENERATIONS.encode_one(encoder, system.generations.present().map(|generations| generations.len().into()))?;
    GENERATION_CREATED.encode_one(encoder, generation.map(|generation| generation.created_at.into()))?;
    CHANGED_OUTSIDE.encode_one(encoder, changed_outside(observation).map(Value::from))?;
    REBOOT_REQUIRED.encode_one(encoder, system.reboot_required.map(Value::from))?;
    ROLLBACK_HELD.encode_one(encoder, rollback_held(observation).map(Value::from))
}

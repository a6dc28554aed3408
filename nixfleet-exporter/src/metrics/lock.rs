//! `flake.lock` and its direct inputs.

use std::collections::BTreeSet;
use std::fmt;

use nixfleet_core::observation::{FlakeInput, InputChangeKind, LockFile, Observation};
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind, Value};
use super::label::Label;
use super::{bounds, operations};

const INFO: Family<2> = Family {
    name: "nixfleet_lock_info",
    help: "The SHA-256 of the local flake.lock, and of that of the tracked branch's tip",
    kind: Kind::Info,
    labels: ["local_sha256", "remote_sha256"],
};

const LAST_MODIFIED: Family<1> = Family {
    name: "nixfleet_flake_input_last_modified_timestamp_seconds",
    help: "When the content that the local flake.lock pins for a direct input was last changed",
    kind: Kind::Gauge,
    labels: ["input"],
};

const OUTDATED: Family<1> = Family {
    name: "nixfleet_flake_input_outdated",
    help: "Whether the tracked branch's flake.lock pins this direct input otherwise than the local one",
    kind: Kind::Gauge,
    labels: ["input"],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, observation: &Observation) -> fmt::Result {
    let local = observation.local_lock.present();
    let remote = observation.remote.last_good.as_ref().and_then(|tip| tip.lock.as_ref());
    if local.is_some() || remote.is_some() {
        let labels = [Label::of(local.map(|lock| lock.sha256)), Label::of(remote.map(|lock| lock.sha256))];
        INFO.encode(encoder, [(labels, Value::ONE)])?;
    }
    let Some(local) = local else { return Ok(()) };
    // Of a lock that could not be understood no input is known: that is not the same as other inputs.
    let outdated = remote.filter(|remote| remote.problem.is_none()).map(|remote| outdated_inputs(local, remote));
    let none = BTreeSet::new();
    let shown = shown_inputs(local, outdated.as_ref().unwrap_or(&none), operations::counters(observation));
    let label = |input: &'_ FlakeInput| [Label::of(Some(&input.name))];
    let modified = shown.iter().filter_map(|input| Some((label(input), input.last_modified_at?.into())));
    LAST_MODIFIED.encode(encoder, modified)?;
    let Some(outdated) = outdated else { return Ok(()) };
    OUTDATED.encode(encoder, shown.iter().map(|input| (label(input), outdated.contains(&input.name).into())))
}

/// The inputs of `local` that `remote` pins otherwise, or has no more.
fn outdated_inputs(local: &LockFile, remote: &LockFile) -> BTreeSet<String> {
    let changes = local.changes_to(remote).into_iter();
    changes.filter(|change| !matches!(change.kind, InputChangeKind::Added { .. })).map(|change| change.name).collect()
}

/// The inputs there is room for: `nixpkgs` and `nixfleet` first, then outdated ones, then the others, each by name.
fn shown_inputs<'a>(local: &'a LockFile, outdated: &BTreeSet<String>, counters: usize) -> Vec<&'a FlakeInput> {
    let mut inputs: Vec<&FlakeInput> = local.inputs.iter().collect();
    let rank = |input: &FlakeInput| match input.name.as_str() {
        "nixpkgs" => 0,
        "nixfleet" => 1,
        name if outdated.contains(name) => 2,
        _ => 3,
    };
    inputs.sort_by_key(|input| (rank(input), &input.name));
    inputs.dedup_by_key(|input| &input.name);
    inputs.truncate(bounds::inputs(counters));
    inputs.sort_by_key(|input| &input.name);
    inputs
}

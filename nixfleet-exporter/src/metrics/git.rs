//! The local repository beside the tracked branch.

use std::fmt;

use nixfleet_core::observation::Observation;
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind, Value};
use super::label::Label;

const INFO: Family<3> = Family {
    name: "nixfleet_git_info",
    help: "The tracked branch, the commit of local HEAD, and the tip of the tracked branch as last read from the remote",
    kind: Kind::Info,
    labels: ["branch", "local_revision", "remote_revision"],
};

const BEHIND: Family = Family {
    name: "nixfleet_git_commits_behind",
    help: "Commits that only the tracked branch has; counting stops at a bound",
    kind: Kind::Gauge,
    labels: [],
};

const AHEAD: Family = Family {
    name: "nixfleet_git_commits_ahead",
    help: "Commits that only local HEAD has; counting stops at a bound",
    kind: Kind::Gauge,
    labels: [],
};

const UNCOMMITTED: Family = Family {
    name: "nixfleet_git_uncommitted_changes",
    help: "Files in the local repository with changes that are not committed, untracked ones included",
    kind: Kind::Gauge,
    labels: [],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, observation: &Observation) -> fmt::Result {
    let repository = observation.repository.present();
    let tip = observation.remote.last_good.as_ref();
    let head = repository.and_then(|repository| repository.head.as_ref());
    let branch = observation.remote.branch.as_deref().or(tip.map(|tip| tip.branch.as_str()));
    if head.is_some() || tip.is_some() {
        let labels = [Label::of(branch), Label::of(head), Label::of(tip.map(|tip| &tip.revision))];
        INFO.encode(encoder, [(labels, Value::ONE)])?;
    }
    let divergence = observation.divergence;
    BEHIND.encode_one(encoder, divergence.map(|divergence| u64::from(divergence.behind.count).into()))?;
    AHEAD.encode_one(encoder, divergence.map(|divergence| u64::from(divergence.ahead.count).into()))?;
    let uncommitted = repository.and_then(|repository| repository.uncommitted_changes);
    UNCOMMITTED.encode_one(encoder, uncommitted.map(Value::from))
}

//! The exporter itself.

use std::fmt;

use nixfleet_core::observation::Source;
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind, Value};
use super::label::Label;
use crate::{Snapshot, build};

const BUILD: Family<3> = Family {
    name: "nixfleet_build_info",
    help: "What the exporter was built from",
    kind: Kind::Info,
    labels: ["version", "revision", "rustversion"],
};

const COLLECT_ERRORS: Family<1> = Family {
    name: "nixfleet_exporter_collect_errors",
    help: "Whether this source could not be read at this scrape; the source observation stands for all of them together",
    kind: Kind::Gauge,
    labels: ["source"],
};

/// The `source` of a collection that came to nothing.
const WHOLE: &str = "observation";

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    let labels = [build::VERSION, build::REVISION, build::RUST_VERSION].map(Label::from);
    BUILD.encode(encoder, [(labels, Value::ONE)])?;
    let sources = snapshot.observation().into_iter().flat_map(|observation| {
        Source::ALL.map(|source| ([Label::from(source.name())], Value::from(observation.unreadable(source).is_some())))
    });
    let whole = ([Label::from(WHOLE)], Value::from(snapshot.observation().is_none()));
    COLLECT_ERRORS.encode(encoder, sources.chain([whole]))
}

//! Open pull requests that update `flake.lock`.

use std::fmt;

use nixfleet_core::observation::PullRequestStatus;
use prometheus_client::encoding::DescriptorEncoder;

use super::bounds;
use super::family::{Family, Kind, Value};
use super::label::{Label, public_url};

const OPEN: Family = Family {
    name: "nixfleet_pull_request_open",
    help: "Open pull requests that update flake.lock",
    kind: Kind::Gauge,
    labels: [],
};

const INFO: Family<2> = Family {
    name: "nixfleet_pull_request_info",
    help: "An open pull request that updates flake.lock",
    kind: Kind::Info,
    labels: ["number", "url"],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, pull_requests: &PullRequestStatus) -> fmt::Result {
    let Some(list) = &pull_requests.last_good else { return Ok(()) };
    OPEN.encode_one(encoder, Some(list.open.len().into()))?;
    let newest = list.open.iter().take(bounds::PULL_REQUESTS);
    let infos = newest.map(|pull_request| {
        ([Label::of(Some(pull_request.number)), Label::from(public_url(&pull_request.url))], Value::ONE)
    });
    INFO.encode(encoder, infos)
}

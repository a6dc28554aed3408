//! Attempts to read the remote.

use std::fmt;

use nixfleet_core::observation::RemoteStatus;
use prometheus_client::encoding::DescriptorEncoder;

use super::family::{Family, Kind};
use super::label::Label;

const LAST_SUCCESS: Family = Family {
    name: "nixfleet_remote_check_last_success_timestamp_seconds",
    help: "When the remote last answered",
    kind: Kind::Gauge,
    labels: [],
};

const LAST_ATTEMPT: Family = Family {
    name: "nixfleet_remote_check_last_attempt_timestamp_seconds",
    help: "When the remote was last asked, with or without success",
    kind: Kind::Gauge,
    labels: [],
};

const CHECKS: Family<1> = Family {
    name: "nixfleet_remote_checks_total",
    help: "Attempts to read the remote since the machine's start",
    kind: Kind::Counter,
    labels: ["result"],
};

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, remote: &RemoteStatus) -> fmt::Result {
    LAST_SUCCESS.encode_one(encoder, remote.last_good.as_ref().map(|commit| commit.confirmed_at.into()))?;
    let attempt = remote.last_attempt.as_ref();
    LAST_ATTEMPT.encode_one(encoder, attempt.map(|attempt| attempt.at.into()))?;
    let totals = attempt.map(|attempt| {
        [
            ([Label::from("success")], attempt.succeeded_total.into()),
            ([Label::from("failed")], attempt.failed_total.into()),
        ]
    });
    CHECKS.encode(encoder, totals.into_iter().flatten())
}

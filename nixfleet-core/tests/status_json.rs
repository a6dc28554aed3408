//! The serialised form of a host's status is an interface: this is it.

use nixfleet_core::infer;
use serde_json::json;
use world::scenario::{Host, now};

#[test]
fn a_status_as_json() {
    let host = Host::base().pull_request_opened().remote_has_newer_commit().tests_failed();
    let status = serde_json::to_value(infer(&host.0, now())).unwrap();
    let expected = json!({
        "host": "web1",
        "at": "2026-03-16T12:00:00Z",
        "compartments": {
            "agent": {
                "state": "ok", "colour": "green", "reason": "0.1.0", "action": null, "since": "2026-03-16T00:20:00Z"
            },
            "git": {
                "state": "outdated", "colour": "yellow", "reason": "1 commit behind bbbbbbb: flake.lock: update",
                "action": { "kind": "pull" }, "since": "2026-03-16T11:40:00Z"
            },
            "lock": {
                "state": "outdated", "colour": "yellow",
                "reason": "PR #7 pending: flake.lock: update (https://example.org/fleet/pull/7)",
                "action": { "kind": "merge_pull_request", "number": 7 }, "since": "2026-03-16T10:30:00Z"
            },
            "system": {
                "state": "ok", "colour": "green", "reason": "aaaaaaa runs", "action": null, "since": "2026-03-16T02:00:00Z"
            },
            "tests": {
                "state": "error", "colour": "red", "reason": "1 of 2 failed 3 min ago: 20-web",
                "action": { "kind": "rollback" }, "since": "2026-03-16T11:57:00Z"
            }
        }
    });
    assert_eq!(status, expected);
}

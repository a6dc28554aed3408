//! `nixfleet-agent check-config`, which the NixOS module runs when the system is built.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::process::Command;

#[test]
fn a_configuration_is_checked_before_it_is_deployed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    for (content, code, sentence) in [
        (r#"{ "host": "web1" }"#, 0, ""),
        (r#"{ "agent": { "intervall_seconds": 60 } }"#, 1, "unknown field `intervall_seconds`"),
        (r#"{ "agent": { "policy": { "pull": "always" } } }"#, 1, "agent.policy.pull: unknown variant `always`"),
    ] {
        std::fs::write(&file, content).unwrap();
        let named = format!("--config={}", file.display());
        for arguments in [[&named, "check-config"], ["check-config", &named]] {
            let output = Command::new(env!("CARGO_BIN_EXE_nixfleet-agent")).args(arguments).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.contains(sentence), "{said}");
            assert_eq!(said.is_empty(), code == 0, "{said}");
        }
    }
}

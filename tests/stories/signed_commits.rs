//! Commits have to be signed: what is not signed by a trusted key does not come onto the host, whoever starts the pull.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::FleetHost;
use world::machine::{Image, Machine, Output};

const LIMIT: Duration = Duration::from_mins(4);
const AGENT: &str = "nixfleet-agent.service";
const KEYS: &str = "/srv/keys";

const SIGNATURES: &str = r#", "signatures": {
    "allowed_signers_file": "/srv/keys/allowed", "openpgp_keyring_file": "/srv/keys/trusted.asc" }"#;

/// A host that takes signed commits only, and a repository whose commits are signed with Alice's ssh key from now on.
fn with_signed_commits(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::install(machine);
    machine.succeed(&["install", "--directory", "--owner", "nixfleet", KEYS]);
    let key = format!("{KEYS}/alice");
    machine.succeed_as("nixfleet", &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &key]);
    let public = machine.read(format!("{key}.pub"));
    machine.write(format!("{KEYS}/allowed"), format!("alice@example.org {public}"));
    // The home of gpg is short-lived and Carol's; her public key goes to the host.
    let home = format!("{KEYS}/gnupg");
    machine.succeed_as("nixfleet", &["install", "--directory", "--mode=700", &home]);
    gpg(
        machine,
        &["--passphrase", "", "--quick-generate-key", "Carol <carol@example.org>", "ed25519", "sign", "never"],
    );
    gpg(machine, &["--armor", "--output", &format!("{KEYS}/trusted.asc"), "--export"]);
    sign_with(&host, "ssh", &key);
    host.configure_repository(SIGNATURES, "");
    host
}

fn gpg(machine: &Machine, arguments: &[&str]) {
    let gpg = ["gpg", "--homedir", "/srv/keys/gnupg", "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback"];
    machine.succeed_as("nixfleet", &[&gpg, arguments].concat());
}

fn sign_with(host: &FleetHost<'_>, format: &str, key: &str) {
    host.remote.git(&["config", "gpg.format", format]);
    host.remote.git(&["config", "user.signingKey", key]);
    sign(host, true);
}

fn sign(host: &FleetHost<'_>, yes: bool) {
    host.remote.git(&["config", "commit.gpgSign", if yes { "true" } else { "false" }]);
}

fn pull(machine: &Machine) -> Output {
    machine.run(&["/opt/nixfleet/bin/nixfleet", "pull"])
}

#[test]
fn what_is_not_signed_is_not_pulled() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = with_signed_commits(&machine);
    assert!(!host.start("pull"), "the tip was made before anybody signed");
    assert!(!machine.exists("/var/lib/nixfleet/repo"), "so there is no clone");
    host.remote.set_host("web1", "");
    host.remote.commit("signed from here on");
    assert_eq!(pull(&machine).code, Some(0), "{}", machine.journal("nixfleet-pull.service"));
    assert!(host.start("switch") && host.start("test"), "{}", machine.journal("nixfleet-switch.service"));
    assert_eq!(host.states(), "-GGGG");

    // Somebody pushes what is not signed.
    sign(&host, false);
    host.remote.set_test("web1", "20-unsigned", "#!/bin/sh\nexit 0\n");
    let unsigned = host.remote.commit("unsigned");
    let here = || machine.succeed_as("nixfleet", &["git", "-C", "/var/lib/nixfleet/repo", "rev-parse", "HEAD"]);
    let before = here();
    let output = pull(&machine);
    assert_eq!(output.code, Some(5), "{}", output.stderr);
    let words = format!("the commit {} of Alice <alice@example.org> (\"unsigned\") is not signed", &unsigned[..7]);
    assert!(output.stderr.contains(&words) && output.stderr.contains("verify"), "{}", output.stderr);
    assert_eq!(here(), before);
    assert_eq!(host.states().chars().nth(1), Some('Y'));
    let reason = host.status().compartments.git.reason;
    assert!(reason.contains("1 commit behind") && reason.contains(&words), "{reason}");

    // What is signed on top does not hide it.
    sign(&host, true);
    host.remote.set_test("web1", "30-signed", "#!/bin/sh\nexit 0\n");
    host.remote.commit("signed");
    assert_eq!(pull(&machine).code, Some(5));
    assert_eq!(here(), before);
    let reason = host.status().compartments.git.reason;
    assert!(reason.contains("2 commits behind") && reason.contains(&words), "{reason}");

    // Nobody has taken it: signed anew and pushed by force, it goes forward from what is here.
    host.remote.git(&["rebase", "--quiet", "--force-rebase", "HEAD~2"]);
    assert_eq!(pull(&machine).code, Some(0), "{}", machine.journal("nixfleet-pull.service"));
    assert_eq!(host.states().chars().nth(1), Some('G'));

    // gpg works in the unit's sandbox, too.
    sign_with(&host, "openpgp", "carol@example.org");
    machine.succeed_as(
        "nixfleet",
        &["sh", "-c", "printf '#!/bin/sh\\nexec gpg --homedir /srv/keys/gnupg \"$@\"\\n' >/srv/keys/gpg"],
    );
    machine.succeed(&["chmod", "755", "/srv/keys/gpg"]);
    host.remote.git(&["config", "gpg.program", "/srv/keys/gpg"]);
    host.remote.set_test("web1", "40-openpgp", "#!/bin/sh\nexit 0\n");
    host.remote.commit("signed by Carol");
    assert_eq!(pull(&machine).code, Some(0), "{}", machine.journal("nixfleet-pull.service"));
    assert_eq!(host.states().chars().nth(1), Some('G'));

    // And what is put back on the remote is not followed.
    let before = here();
    host.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let output = pull(&machine);
    assert!(output.code == Some(5) && output.stderr.contains("somebody put the branch back"), "{}", output.stderr);
    assert_eq!(here(), before);
}

#[test]
fn the_agent_does_not_insist() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = with_signed_commits(&machine);
    host.remote.set_host("web1", "");
    host.remote.commit("signed from here on");
    assert!(host.start("pull"));
    host.configure_repository(SIGNATURES, r#", "agent": { "interval_seconds": 1, "policy": { "pull": "on" } }"#);
    sign(&host, false);
    host.remote.set_test("web1", "20-unsigned", "#!/bin/sh\nexit 0\n");
    host.remote.commit("unsigned");
    let looks = || {
        let attempt = machine.read("/run/nixfleet/remote-attempt.json");
        let attempt: serde_json::Value = serde_json::from_str(&attempt).unwrap();
        attempt["succeeded_total"].as_u64().unwrap()
    };
    machine.succeed(&["systemctl", "start", AGENT]);
    machine.wait_until("the agent tried", LIMIT, || host.results() == ["pull success", "pull failed"]);
    let seen = looks();
    machine.wait_until("it looks on", LIMIT, || looks() >= seen + 4);
    assert_eq!(host.results(), ["pull success", "pull failed"], "once for this tip, for minutes");
    assert_eq!(host.states().chars().nth(1), Some('Y'));

    sign(&host, true);
    host.remote.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    machine.wait_until("another tip is tried at once", LIMIT, || host.states().chars().nth(1) == Some('G'));
    assert_eq!(host.results(), ["pull success", "pull failed", "pull success"]);
}

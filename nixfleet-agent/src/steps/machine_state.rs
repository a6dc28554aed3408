//! What systemd says of the machine as a whole.

use std::process::Command;

/// Whether it is being shut down.
pub(super) fn machine_is_stopping() -> bool {
    Command::new("systemctl")
        .arg("is-system-running")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"stopping"))
}

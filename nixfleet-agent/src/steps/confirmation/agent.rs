//! The agent as it is told to systemd: start it anew, ask it to look at the remote.
//!
//! By `systemctl`, which reaches systemd also while the activation has just replaced D-Bus.

use std::process::Command;
use std::time::Duration;

use crate::steps::child;

const UNIT: &str = "nixfleet-agent.service";

/// systemd answers at once, except while it reloads.
const LIMIT: Duration = Duration::from_secs(25);

/// Starts the agent as its unit is now: a switch leaves the running one alone. An error is one sentence.
pub(super) fn start_anew() -> Result<(), String> {
    systemctl(&["--no-block", "restart", UNIT])
}

/// The same, and asks it to look at the remote as soon as it runs.
pub(in crate::steps) fn start_anew_and_look() -> Result<(), String> {
    systemctl(&["restart", UNIT])?;
    look_at_once()
}

/// Asks it to look at the remote at once.
pub(super) fn look_at_once() -> Result<(), String> {
    systemctl(&["--no-block", "reload", UNIT])
}

/// How systemd sees it: `activating (auto-restart), result exit-code`.
pub(super) fn state() -> String {
    let output = Command::new("systemctl")
        .args(["show", "--property=ActiveState", "--property=SubState", "--property=Result", UNIT])
        .output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    sentence(&output)
}

fn sentence(properties: &str) -> String {
    let of = |key: &str| {
        let mut lines = properties.lines().filter_map(|line| line.split_once('='));
        lines.find(|(name, _)| *name == key).map_or("unknown", |(_, value)| value).to_owned()
    };
    format!("{} ({}), result {}", of("ActiveState"), of("SubState"), of("Result"))
}

fn systemctl(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("systemctl");
    match child::run_within(command.args(arguments), LIMIT) {
        Ok(Some(exit)) if exit.succeeded() => Ok(()),
        Ok(Some(exit)) => Err(exit.reason().into_owned()),
        Ok(None) => Err(format!("systemd did not answer within {} s", LIMIT.as_secs())),
        Err(error) => Err(format!("cannot run systemctl: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_says_of_the_agent() {
        let failing = "Result=exit-code\nActiveState=activating\nSubState=auto-restart\n";
        assert_eq!(sentence(failing), "activating (auto-restart), result exit-code");
        assert_eq!(sentence(""), "unknown (unknown), result unknown");
    }
}

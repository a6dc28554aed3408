//! Which units failed in an activation: exit code 4 of `switch-to-configuration` says only that some did.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::child::Exit;

/// How `switch-to-configuration` begins the line that names them, after all else and before their status.
const LINE: &str = "warning: the following units failed: ";

/// The agent starts again by itself. Where it was killed at the very end, the activation takes it for failed.
const AGENT: &str = "nixfleet-agent.service";

/// The agent starts within a second, except while it fails again and again.
const AGENT_LIMIT: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(200);

/// A sentence has room for so many.
const NAMED: usize = 5;

/// The units that failed, for the reason of exit code 4; `None` where nobody names any.
pub(super) fn failed_units(exit: &Exit) -> Option<String> {
    let named = named(exit.lines.iter().map(String::as_str));
    let units = if named.is_empty() { failed_now() } else { named };
    let agent_runs_again = units.as_slice() == [AGENT] && runs_again();
    sentence(&units, agent_runs_again)
}

fn named<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Vec<String> {
    let mut names = lines.rev().filter_map(|line| line.trim().strip_prefix(LINE));
    let split =
        |names: &str| names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.next().map(split).unwrap_or_default()
}

/// Those that are failed by now. The activation has reset all that failed before it.
fn failed_now() -> Vec<String> {
    let mut command = Command::new("systemctl");
    command.args(["list-units", "--state=failed", "--full", "--plain", "--no-legend", "--no-pager"]);
    let listed =
        command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn runs_again() -> bool {
    let begin = Instant::now();
    let is_active = || {
        Command::new("systemctl").args(["is-active", "--quiet", AGENT]).status().is_ok_and(|status| status.success())
    };
    loop {
        if is_active() {
            return true;
        }
        if begin.elapsed() >= AGENT_LIMIT {
            return false;
        }
        sleep(POLL);
    }
}

fn sentence(units: &[String], agent_runs_again: bool) -> Option<String> {
    let more = match units.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = units.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let again = if agent_runs_again { ", and no other: it was starting anew just then, and runs again" } else { "" };
    (!units.is_empty()).then(|| format!("{names}{more}{again}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_names_them_counts() {
        // As NixOS' switch-to-configuration writes it, with the status of each after it.
        let lines = [
            "starting the following units: web.service",
            "warning: the following units failed: other.service",
            "warning: the following units failed: db.service, web.service",
            "× web.service - the web",
            "     Loaded: loaded (/etc/systemd/system/web.service; enabled)",
        ];
        assert_eq!(named(lines.into_iter()), ["db.service", "web.service"]);
        assert!(named(["all is well", "warning: the following units failed: "].into_iter()).is_empty());
        assert!(named([].into_iter()).is_empty());
    }

    #[test]
    fn a_few_are_named_and_the_agent_is_told_apart() {
        let units = |count: usize| (1..=count).map(|number| format!("{number}.service")).collect::<Vec<_>>();
        assert_eq!(sentence(&[], false), None);
        assert_eq!(sentence(&units(2), false).unwrap(), "1.service, 2.service");
        assert!(sentence(&units(7), false).unwrap().ends_with("5.service and 2 more"));
        let agent = sentence(&[AGENT.to_owned()], true).unwrap();
        assert_eq!(agent, "nixfleet-agent.service, and no other: it was starting anew just then, and runs again");
    }
}

//! One test: in a directory of its own, with a time limit, and nothing of it is left.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nixfleet_core::observation::{IndividualTest, IndividualTestResult};

use super::account::{Account, AccountError};
use super::left_behind::end_what_is_left;
use crate::steps::child::kill_group;

/// A test that ends with this code says that it does not apply to this host. The convention of Automake.
const SKIPPED: i32 = 77;

/// As the tests' user: the step could not enter the directory.
const IN_ITS_DIRECTORY: &str = r#"cd -- "$HOME" && exec "$0""#;

/// Runs the test. It is an error where nothing can be run as this user at all.
pub(super) fn run(path: &Path, account: &Account, limit: Duration, unit: &str) -> Result<IndividualTest, AccountError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().replace(char::is_control, " ");
    let directory = account.make_directory()?;
    let mut command = account.command("/bin/sh");
    command.arg("-c").arg(IN_ITS_DIRECTORY).arg(path).env("HOME", &directory).env("TMPDIR", &directory);
    let started = Instant::now();
    // A group of its own, so that a test that is ended takes its children along.
    let (result, exit_code) = match command.process_group(0).spawn() {
        Ok(mut child) => wait(&mut child, started + limit),
        Err(error) => {
            eprintln!("{name}: cannot be run: {error}");
            (IndividualTestResult::Failed, None)
        }
    };
    let duration_seconds = started.elapsed().as_secs();
    // Also what left the group: it would disturb the next one.
    end_what_is_left(unit);
    account.remove_directory(&directory);
    Ok(IndividualTest { name, result, duration_seconds, exit_code })
}

fn wait(child: &mut Child, deadline: Instant) -> (IndividualTestResult, Option<i32>) {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                kill_group(child);
                let result = match status.code() {
                    Some(0) => IndividualTestResult::Passed,
                    Some(SKIPPED) => IndividualTestResult::Skipped,
                    _ => IndividualTestResult::Failed,
                };
                return (result, status.code());
            }
            Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(50)),
            _ => {
                kill_group(child);
                // Killed: it ends at once.
                let _ = child.wait();
                return (IndividualTestResult::TimedOut, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// Outside of a unit, where nothing but its group tells what a test left running.
    #[test]
    fn what_a_test_left_in_its_group_ends_with_it() {
        for (script, limit, expected) in [
            ("sleep 120 & exit 0", Duration::from_mins(1), IndividualTestResult::Passed),
            ("sleep 120 & sleep 120", Duration::from_millis(200), IndividualTestResult::TimedOut),
        ] {
            let begin = Instant::now();
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdout(Stdio::piped()).process_group(0);
            let mut child = command.spawn().unwrap();
            assert_eq!(wait(&mut child, begin + limit).0, expected, "{script}");
            // Its end is there when nobody holds the pipe any more.
            child.stdout.take().unwrap().read_to_string(&mut String::new()).unwrap();
            assert!(begin.elapsed() < Duration::from_secs(110), "{script}: it ran on");
        }
    }
}

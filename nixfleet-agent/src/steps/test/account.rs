//! The user that the tests run as, and how a program is started as that user.
//!
//! The step itself stays `nixfleet`. Its unit gives it the three capabilities that changing the user and ending the processes
//! of another one need; util-linux's `setpriv` changes the user and gives them up before the test begins.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// What `setpriv` takes away: what `AmbientCapabilities=` of nixfleet-test.service gives to the step. What an administrator
/// adds there is for the tests.
const CAPABILITIES_OF_THE_STEP: &str = "-setuid,-setgid,-kill";

/// What systemd says to the step, and what tells of its user: not meant for a test (systemd.exec(5), Environment Variables
/// Set or Propagated by the Service Manager).
const NOT_FOR_TESTS: [&str; 17] = [
    "CACHE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "INVOCATION_ID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "LOGNAME",
    "LOGS_DIRECTORY",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "NOTIFY_SOCKET",
    "RUNTIME_DIRECTORY",
    "SHELL",
    "STATE_DIRECTORY",
    "SYSTEMD_EXEC_PID",
];

/// Nothing is run as this user.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error("cannot run {program}: {source}; {package} has to be in the PATH of the unit")]
    NoProgram { program: &'static str, package: &'static str, source: std::io::Error },
    #[error("there is no user {0}: create it (modules/system/nixfleet.sysusers.conf), or set tests.user")]
    NoUser(String),
    #[error(
        "cannot run a program as {user} ({said}): its unit needs AmbientCapabilities=CAP_SETUID CAP_SETGID CAP_KILL, PrivateTmp=yes, and space in /tmp"
    )]
    Refused { user: String, said: String },
}

/// A user, by the numbers that `setpriv` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    user_id: u32,
    /// The primary group first.
    group_ids: Vec<u32>,
}

impl Account {
    /// The user of this name, from wherever the host has its users.
    pub(super) fn find(name: &str) -> Result<Self, AccountError> {
        let numbers = |option: &str| {
            let output = Command::new("id").args([option, "--", name]).stdin(Stdio::null()).output();
            let output =
                output.map_err(|source| AccountError::NoProgram { program: "id", package: "coreutils", source })?;
            let text = String::from_utf8_lossy(&output.stdout);
            let numbers: Result<Vec<u32>, _> = text.split_whitespace().map(str::parse).collect();
            numbers
                .ok()
                .filter(|numbers| output.status.success() && !numbers.is_empty())
                .ok_or_else(|| AccountError::NoUser(name.to_owned()))
        };
        let user_ids = numbers("--user")?;
        let group_ids = numbers("--groups")?;
        let user_id = user_ids.first().copied().ok_or_else(|| AccountError::NoUser(name.to_owned()))?;
        Ok(Self { name: name.to_owned(), user_id, group_ids })
    }

    /// Whether what runs as this user may become root: it is root, or it may write what tells root what to activate.
    pub(super) fn decides_what_root_runs(&self) -> bool {
        let (own_user, own_group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        self.user_id == 0 || self.user_id == own_user || self.group_ids.contains(&own_group)
    }

    /// Runs the program as this user, with the environment of the unit, but for what is meant for the step alone.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        let group_id = self.group_ids.first().copied().unwrap_or(self.user_id);
        command
            .arg(format!("--reuid={}", self.user_id))
            .arg(format!("--regid={group_id}"))
            .arg("--init-groups")
            .arg(format!("--inh-caps={CAPABILITIES_OF_THE_STEP}"))
            .arg(format!("--ambient-caps={CAPABILITIES_OF_THE_STEP}"))
            .args(["--no-new-privs", "--"])
            .arg(program)
            .stdin(Stdio::null());
        for variable in NOT_FOR_TESTS {
            command.env_remove(variable);
        }
        command.env("USER", &self.name).env("LOGNAME", &self.name);
        command
    }

    /// A new directory that only this user may enter.
    pub(super) fn make_directory(&self) -> Result<PathBuf, AccountError> {
        let mut command = self.command("mktemp");
        let Output { status, stdout, stderr } = command
            .args(["--directory", "--tmpdir", "nixfleet-test.XXXXXXXXXX"])
            .output()
            .map_err(|source| AccountError::NoProgram { program: "setpriv", package: "util-linux", source })?;
        let path = PathBuf::from(String::from_utf8_lossy(&stdout).trim_end());
        if status.success() && path.is_absolute() {
            return Ok(path);
        }
        let said = String::from_utf8_lossy(&stderr);
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        Err(AccountError::Refused { user: self.name.clone(), said: said.replace(char::is_control, " ") })
    }

    /// Removes a directory of this user. What cannot be removed is gone with the unit's private /tmp.
    pub(super) fn remove_directory(&self, path: &std::path::Path) {
        let mut command = self.command("rm");
        let _ = command.args(["--recursive", "--force", "--"]).arg(path).stderr(Stdio::null()).status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_or_there_is_none() {
        let root = Account::find("root").unwrap();
        assert_eq!((root.user_id, root.group_ids.first()), (0, Some(&0)));
        assert!(root.decides_what_root_runs());
        for name in ["nobody-has-this-name", "--help", ""] {
            let error = Account::find(name).unwrap_err().to_string();
            assert!(error.starts_with("there is no user"), "{name}: {error}");
        }
    }

    #[test]
    fn who_writes_the_state_decides_what_root_runs() {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let account =
            |user_id, group_ids: &[u32]| Account { name: "tester".to_owned(), user_id, group_ids: group_ids.to_vec() };
        for (user_id, group_ids, expected) in
            [(0, &[7][..], true), (user, &[7], true), (65_000, &[65_000, group], true), (65_000, &[65_000], false)]
        {
            assert_eq!(account(user_id, group_ids).decides_what_root_runs(), expected, "{user_id} {group_ids:?}");
        }
    }
}

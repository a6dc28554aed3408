//! Why an operation could not be started, followed or cancelled.

use std::io;
use std::path::PathBuf;

use nixfleet_core::git::ResolveError;
use nixfleet_core::observation::Operation;
use nixfleet_core::state_directory::StateError;
use nixfleet_core::system::SystemError;

use crate::daemon::systemd::SystemdError;
use crate::ssh::SshError;
use crate::target::Target;

/// Why what was asked for could not be done; shown to people as it is.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no systemd to ask.
    #[error("cannot reach systemd: {0}; operations run as units of systemd, see `systemctl status dbus`")]
    NoBus(String),
    /// polkit says no.
    #[error(
        "this user may not {verb} {unit}: use `{instead}`, or allow it with a rule of polkit as that of nixfleet does for its own user"
    )]
    NotAllowed {
        /// `start` or `stop`.
        verb: &'static str,
        /// The unit, and the host where that is another one.
        unit: String,
        /// The command to say instead.
        instead: String,
    },
    /// There is no systemd to ask on another host.
    #[error(
        "cannot reach systemd of {host}: {said}; is systemd-stdio-bridge there? Try `systemctl --host {host} status`"
    )]
    NoBridge {
        /// The host.
        host: String,
        /// What was said.
        said: String,
    },
    /// Another host cannot be asked.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// The connection to another host was lost while a unit was started.
    #[error("{lost}; whether {unit} was started there is not known, `{look}` tells")]
    LostAtStart {
        /// How it was lost.
        lost: Box<SshError>,
        /// The unit.
        unit: String,
        /// The command that shows how things stand.
        look: String,
    },
    /// A signal came before anything could be followed.
    #[error("interrupted; `{0}` shows how things stand")]
    Interrupted(String),
    /// systemd has no such unit.
    #[error("there is no unit {unit}: enable services.nixfleet on this host, see docs/operations.md")]
    NoUnit {
        /// The unit.
        unit: String,
    },
    /// systemd says something else.
    #[error("systemd did not {verb} {unit}: {said}; see `systemctl status {unit}`")]
    Refused {
        /// `start` or `stop`.
        verb: &'static str,
        /// The unit.
        unit: String,
        /// What it said.
        said: String,
    },
    /// It was started, and nothing ran.
    #[error("{unit} was started and nothing of it ran ({result}); see `systemctl status {unit}`")]
    NothingRan {
        /// The unit.
        unit: String,
        /// systemd's result.
        result: String,
    },
    /// There is nothing to cancel.
    #[error("there is nothing to cancel: {0}")]
    NothingRuns(String),
    /// It was asked to stop and still runs.
    #[error("{0} was asked to stop and still runs; see `systemctl status {0}`")]
    StillRuns(String),
    /// The operation never ran.
    #[error("no {operation} is in the journal of operations: start one with `{command}`")]
    NeverRan {
        /// The operation.
        operation: Operation,
        /// The command that starts one.
        command: String,
    },
    /// A program is not there.
    #[error("cannot run journalctl: {0}; it comes with systemd")]
    NoJournalctl(#[source] io::Error),
    /// The runtime cannot be started.
    #[error("cannot start: {0}; check the limits of files and tasks (`ulimit -n -u`)")]
    Start(#[source] io::Error),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state may not be written by this user.
    #[error("this user may not write to {path}: use `sudo nixfleet {command}`")]
    NotTheirs {
        /// The state directory.
        path: PathBuf,
        /// The arguments to say again.
        command: String,
    },
    /// The commit is not known, or the text names several.
    #[error(transparent)]
    Revision(#[from] ResolveError),
    /// There is no profile.
    #[error(
        "there are no generations: {path} does not exist, so this is not NixOS; `nixfleet --host NAME generations` lists those of another host"
    )]
    NoGenerations {
        /// The profile.
        path: PathBuf,
    },
    /// There is a profile, without this generation.
    #[error("nothing was started, there is no generation {0}: `nixfleet generations` lists those that there are")]
    NoSuchGeneration(u64),
    /// The profile cannot be read.
    #[error(transparent)]
    System(#[from] SystemError),
}

impl OperateError {
    /// What systemd answered when it was to `verb` this unit, as `nixfleet COMMAND` asked.
    pub(super) fn of_systemd(
        error: &SystemdError,
        verb: &'static str,
        unit: &str,
        target: &Target,
        command: &str,
    ) -> Self {
        let unit = match target.destination() {
            Some(destination) => format!("{unit} of {destination}"),
            None => unit.to_owned(),
        };
        match error {
            SystemdError::Connect(cause) => match target.destination() {
                Some(destination) => Self::NoBridge { host: destination.to_string(), said: cause.to_string() },
                None => Self::NoBus(cause.to_string()),
            },
            SystemdError::Call { source, .. } => {
                let said = source.to_string();
                if ["AccessDenied", "InteractiveAuthorizationRequired"].iter().any(|name| said.contains(name)) {
                    Self::NotAllowed { verb, unit, instead: target.call_with_rights(command) }
                } else if ["NoSuchUnit", "LoadFailed"].iter().any(|name| said.contains(name)) {
                    Self::NoUnit { unit }
                } else {
                    Self::Refused { verb, unit, said }
                }
            }
        }
    }
}

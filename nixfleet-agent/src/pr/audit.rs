//! Every action goes to the audit log: before it is done, and with what came of it.

use std::path::PathBuf;

use jiff::Timestamp;
use nixfleet_core::state_directory::{AuditEntry, StateDirectory, StateError};

use super::PrError;
use super::who::who;

/// One action, recorded as begun.
#[derive(Debug)]
pub(super) struct Recorded {
    directory: StateDirectory,
    entry: AuditEntry,
}

impl Recorded {
    /// Records that it begins: in the host's state directory, or where this user may not write there, in their own.
    /// What cannot be recorded is not done.
    pub(super) fn begin(host: &StateDirectory, action: &str, on: String) -> Result<Self, PrError> {
        let entry = AuditEntry {
            at: Timestamp::now(),
            who: who(),
            action: action.to_owned(),
            on: Some(on),
            outcome: "started".to_owned(),
            detail: None,
        };
        if is_theirs(host) && host.audit().append(&entry).is_ok() {
            return Ok(Self { directory: host.clone(), entry });
        }
        let own = own_directory().ok_or(PrError::NoAuditDirectory)?;
        let failed = |source| PrError::Audit(StateError::Write { path: own.clone(), source });
        std::fs::create_dir_all(&own).map_err(failed)?;
        let directory = StateDirectory::new(&own);
        directory.audit().append(&entry).map_err(PrError::Audit)?;
        anstream::eprintln!("recorded in {}/audit.jsonl", own.display());
        Ok(Self { directory, entry })
    }

    /// Records what came of it. It is done by now: a failure is said, and changes nothing.
    pub(super) fn end<T>(&self, outcome: &Result<T, PrError>, detail: impl FnOnce(&T) -> String) {
        let (outcome, detail) = match outcome {
            Ok(done) => ("success", detail(done)),
            Err(error) => ("failed", error.to_string()),
        };
        let entry = AuditEntry {
            at: Timestamp::now(),
            outcome: outcome.to_owned(),
            detail: Some(detail),
            ..self.entry.clone()
        };
        if let Err(error) = self.directory.audit().append(&entry) {
            anstream::eprintln!("nixfleet: the outcome is not recorded: {error}");
        }
    }
}

/// Whether this user may write there. Trying would leave a lock's file behind where only the log is refused.
fn is_theirs(host: &StateDirectory) -> bool {
    rustix::fs::access(&host.path, rustix::fs::Access::WRITE_OK).is_ok()
}

fn own_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("nixfleet"))
}

//! What nixfleet remembers on a host: its files, their formats, and how they are read and written.
//!
//! | file | content | written by |
//! |---|---|---|
//! | `remote.json` | the last good answer of the remote: [`RemoteCommit`](crate::observation::RemoteCommit) | agent, pull |
//! | `pull-request.json` | the open pull requests: [`PullRequestStatus`](crate::observation::PullRequestStatus) | agent |
//! | `tests.json` | the last test run, test by test: [`TestRunRecord`] | test |
//! | `journal.jsonl` | what operations did: [`JournalEntry`] | every operation |
//! | `audit.jsonl` | who asked for what: [`AuditEntry`] | `nixfleet` |
//! | `agent.json` (runtime) | the agent's sign of life: [`AgentHeartbeat`](crate::observation::AgentHeartbeat) | agent |
//! | `remote-attempt.json` (runtime) | the last attempt: [`RemoteAttempt`](crate::observation::RemoteAttempt) | agent, pull |
//! | `pull-request-attempt.json` (runtime) | the last attempt at the forge: [`PullRequestAttempt`](crate::observation::PullRequestAttempt) | agent |
//!
//! The first five lie in the [`StateDirectory`], which survives a restart of the machine; the others in the
//! [`RuntimeDirectory`], which costs no disk write and is gone with the boot that it tells of.
//!
//! Whole files (`.json`) are one JSON object with the member `version`, replaced atomically. Logs (`.jsonl`) are one such
//! object per line, appended under a lock and shortened when they reach a bound. Unknown members are ignored, so that a
//! newer nixfleet may add some without a new version. Times are RFC 3339 in UTC. `docs/state-directory.md` shows each
//! format with samples.
//!
//! Reading needs no lock, no privilege beyond reading the files, and never blocks: only regular files are read.

mod agent_file;
mod append_log;
mod atomic_file;
mod audit;
mod boot;
mod bounded_lines;
mod directories;
mod error;
mod full_disk;
mod journal;
mod lock_file;
mod log_reader;
mod pull_request_file;
mod regular_file;
mod shared_directory;
mod test_run_record;
mod text_bound;
mod whole_file;

pub use audit::{AuditContents, AuditEntry, AuditLog};
pub use boot::{boot_id, live_invocations};
pub use directories::{RuntimeDirectory, StateDirectory};
pub use error::StateError;
pub use journal::{
    Checkpoint, CommitHeld, CommitReleased, Ended, FoldContext, Journal, JournalContents, JournalEntry, JournalHistory,
    Progress, Started, TestCounts, history,
};
pub use log_reader::{LineWarning, LineWarnings};
pub use test_run_record::TestRunRecord;

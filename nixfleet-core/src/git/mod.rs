//! Git: the local repository, the tracked branch of the remote, and how far the two are apart.
//!
//! Everything but [`fast_forward`] and [`remove_locks_made_between`] only reads the user's repository, all with libgit2: no
//! hook, no external filter and no credential helper is run. What is [written out](CommittedFiles::write_out) lies elsewhere.
//! Only OpenSSH's `ssh` is started, for remotes that are reached through it, and `ssh-keygen` and `gpg`, where [`signature`]s
//! are checked.

mod abbreviated;
mod checkout;
mod committed;
mod divergence;
mod local;
mod lock_bytes;
mod object_view;
mod ownership;
mod redact;
mod redact_line;
pub mod remote;
mod repository_error;
mod revert;
pub mod signature;
mod tracked_remote;

pub use abbreviated::{ABBREVIATION_MINIMUM_DIGITS, ResolveError, resolve_abbreviated};
pub use checkout::{CheckoutError, Moved, RewrittenBranch, fast_forward, remove_locks_made_between};
pub use committed::{CommittedFiles, WriteOutBounds, WriteOutError, WrittenOut};
pub use divergence::divergence;
pub use local::{head_of, observe_repository};
pub use lock_bytes::{LOCK_BYTES_MAXIMUM, lock_in_commit, lock_in_work_tree};
pub use ownership::allow_foreign_owner;
pub use redact::redact_url;
pub use redact_line::redact_line;
pub use remote::{Credentials, RemoteError, RemoteSource, RemoteStore, Timeouts};
pub use repository_error::RepositoryError;
pub use revert::{Revert, RevertError, is_taken_back, parents, revert};
pub use tracked_remote::{TrackedRemote, tracked_remote};

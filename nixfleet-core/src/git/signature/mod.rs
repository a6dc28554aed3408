//! Signatures of commits: whether all that a pull would bring is signed by keys that the administrator trusts.
//!
//! The programs that administrators know decide about a signature: `ssh-keygen -Y verify` and `gpg --verify`, without any
//! configuration of the user. What they are asked about is read from the object itself, as Git reads it.
//!
//! The rules, for commits that the checkout does not have yet:
//!
//! - Each one is signed by a trusted key, on both sides of a merge. An ssh key has to be allowed for the committer's address.
//! - A merge may be signed by a key of the forge instead, if its content is what merging its two parents gives.
//! - The remote's tip contains local HEAD. Where a rewritten branch is allowed, all that is new in it has to be signed.
//! - A first clone trusts what a trusted key signed, with all that came before: the commit names its whole history.

mod commit_object;
mod error;
mod format;
mod history;
mod merge;
mod openpgp;
mod openpgp_status;
mod problem;
mod program;
mod ssh;
mod verdict;

pub use error::SignatureError;
pub use history::{Verified, verify_incoming};
pub use problem::SignatureProblem;
pub use verdict::TrustedKeys;

//! GitHub: open pull requests that update `flake.lock`, merges, reverts, and a branch's head without a clone.
//!
//! Only with the crate's feature `github`. The functions are async and want a tokio runtime with I/O and time enabled;
//! octocrab is the client below, with TLS of rustls.
//!
//! [`GithubRepository::of_remote`] finds the repository from a remote's address. [`GithubClient`] asks; what costs no
//! request because nothing changed is kept in [`KnownAnswers`], which a program holds in memory from one look to the next,
//! and may hand to another process.
//! Requests and replies are those of GitHub's REST API, version 2022-11-28; reverts go through its GraphQL API.
//! Texts of strangers (titles, names, messages) come back without control characters and on one line.

mod address;
mod branch;
mod checks;
mod client;
mod distance;
mod error;
mod known_answers;
mod lock_updates;
mod merge;
mod pull_request;
mod rate_limit;
mod refusal;
mod reply;
mod revert;
mod token;

pub use address::GithubRepository;
pub use branch::BranchHead;
pub use checks::{Checks, ChecksState};
pub use client::{GithubClient, Limits};
pub use error::GithubError;
pub use known_answers::KnownAnswers;
pub use lock_updates::{LockUpdateFilter, LockUpdates};
pub use merge::{Merge, MergeMethod};
pub use pull_request::{ChangedFiles, Mergeability, PullRequestDetails, PullRequestState};
pub use revert::RevertPullRequest;
pub use token::Token;

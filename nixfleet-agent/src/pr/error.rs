//! Why a pull request could not be looked at, merged or reverted.

use std::io;
use std::path::PathBuf;

use nixfleet_core::git::{RepositoryError, ResolveError, RevertError};
use nixfleet_core::github::GithubError;
use nixfleet_core::state_directory::StateError;

/// Why what was asked for could not be done; shown to people as it is.
#[derive(Debug, thiserror::Error)]
pub enum PrError {
    /// GitHub.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// GitHub refuses, and this side knows more of the token.
    #[error("{refusal}; {hint}")]
    Token {
        /// What GitHub says.
        refusal: GithubError,
        /// Whose token it was, or why there was none, with the next step.
        hint: String,
    },
    /// The checkout.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The commit.
    #[error(transparent)]
    Revision(#[from] ResolveError),
    /// The reverting commit.
    #[error(transparent)]
    Revert(#[from] RevertError),
    /// No repository was named.
    #[error(
        "which repository? This host is not set up for nixfleet ({config} does not exist): name a checkout with --repo PATH"
    )]
    NoPlace {
        /// Where the configuration was looked for.
        config: PathBuf,
    },
    /// There is nothing where the checkout should be.
    #[error("there is nothing at {path}: name a checkout with --repo")]
    NothingThere {
        /// The path.
        path: PathBuf,
    },
    /// The checkout has no remote.
    #[error(
        "{path} has no remote to follow: set one with `git remote add origin URL`, or name another checkout with --repo"
    )]
    NoRemote {
        /// The checkout.
        path: PathBuf,
    },
    /// The token in the environment is none.
    #[error("${0} does not hold a token: set it anew, such as with {0}=$(gh auth token), or unset it")]
    TokenVariable(&'static str),
    /// Something stands against it.
    #[error("#{number} is not merged: {reasons}")]
    Refused {
        /// The pull request.
        number: u64,
        /// All reasons, each with its way out.
        reasons: String,
    },
    /// It was never merged.
    #[error("#{number} is {state}, not merged: there is nothing to revert")]
    NotMerged {
        /// The pull request.
        number: u64,
        /// What it is.
        state: &'static str,
    },
    /// It was merged as several commits.
    #[error(
        "#{number} had {commits} commits and was merged without a merge commit: open a pull request (without --push), or name each commit with --commit"
    )]
    SeveralCommits {
        /// The pull request.
        number: u64,
        /// How many.
        commits: u64,
    },
    /// Nobody is there to be asked.
    #[error("nobody can be asked here: standard input is no terminal; say --yes if it is to be done")]
    NobodyToAsk,
    /// The answer was no.
    #[error("nothing was done")]
    NotWanted,
    /// The branch is not known.
    #[error("which branch? Name it with --branch")]
    NoBranch,
    /// A command of git failed.
    #[error("`git {command}` failed: {said}; nothing was pushed")]
    Git {
        /// The command.
        command: &'static str,
        /// What it said.
        said: String,
    },
    /// The branch moved on, or the remote refuses.
    #[error(
        "the remote does not take the commit ({said}): nothing was pushed; look again, the branch may have moved on"
    )]
    PushRefused {
        /// What it said.
        said: String,
    },
    /// git cannot be run.
    #[error("cannot run git: {0}; install it")]
    NoGit(#[source] io::Error),
    /// What is done cannot be recorded.
    #[error("nothing was done, because it cannot be recorded: {0}")]
    Audit(#[source] StateError),
    /// There is nowhere to record it.
    #[error("nothing was done, because there is nowhere to record it: set HOME or XDG_STATE_HOME")]
    NoAuditDirectory,
    /// The runtime cannot be started.
    #[error("cannot start: {0}; check the limits of files and tasks (`ulimit -n -u`)")]
    Start(#[source] io::Error),
    /// The terminal cannot be read.
    #[error("cannot read the answer: {0}; say --yes if it is to be done")]
    Answer(#[source] io::Error),
}

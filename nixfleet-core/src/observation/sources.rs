//! The sources that an observation is made of, and which of them could not be read.

use super::{Observation, Reading};

/// One source of evidence; its name is the `source` label's value of `nixfleet_exporter_collect_errors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The agent's sign of life.
    Agent,
    /// The local repository.
    Repository,
    /// `flake.lock` in the local repository.
    Lock,
    /// The record of the remote's last good answer. Attempts that failed are counted elsewhere.
    Remote,
    /// The record of the forge's last good answer.
    PullRequests,
    /// The running system.
    System,
    /// The generations of the system profile.
    Generations,
    /// The journal of operations.
    Journal,
    /// The single tests of the last run.
    Tests,
    /// The disk that the state directory lies on: it is full.
    StateDirectory,
}

impl Source {
    /// All sources.
    pub const ALL: [Self; 10] = [
        Self::Agent,
        Self::Repository,
        Self::Lock,
        Self::Remote,
        Self::PullRequests,
        Self::System,
        Self::Generations,
        Self::Journal,
        Self::Tests,
        Self::StateDirectory,
    ];

    /// The label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Repository => "repository",
            Self::Lock => "lock",
            Self::Remote => "remote",
            Self::PullRequests => "pull_requests",
            Self::System => "system",
            Self::Generations => "generations",
            Self::Journal => "journal",
            Self::Tests => "tests",
            Self::StateDirectory => "state_directory",
        }
    }
}

impl Observation {
    /// Why a source could not be read, in one sentence; absent where it was read, or is not there by design.
    #[must_use]
    pub fn unreadable(&self, source: Source) -> Option<&str> {
        match source {
            Source::Agent => self.agent.heartbeat.error(),
            Source::Repository => self.repository.error(),
            Source::Lock => self.local_lock.error(),
            Source::Remote => self.remote.problem.as_deref(),
            Source::PullRequests => self.pull_requests.error.as_deref(),
            Source::System => self.system.running.error().or_else(|| self.system.booted_store_path.error()),
            Source::Generations => self.system.generations.error(),
            Source::Journal => self.operations.problem.as_deref(),
            Source::Tests => self.tests_problem.as_deref(),
            Source::StateDirectory => self.state_directory_problem.as_deref(),
        }
    }

    /// Whether a repository is all that is observed: no agent, no running system, no tests.
    #[must_use]
    pub fn is_repository_only(&self) -> bool {
        matches!(self.system.running, Reading::NotObserved)
    }
}

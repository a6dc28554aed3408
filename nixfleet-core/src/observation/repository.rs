//! The local repository.

use std::fmt;
use std::path::PathBuf;

use crate::Revision;

/// The local repository as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalRepository {
    /// Its work tree, or the repository itself where it is bare.
    pub path: PathBuf,
    /// The commit that HEAD points to; absent where the branch has no commit yet.
    pub head: Option<Revision>,
    /// The branch that HEAD is on, without `refs/heads/`; absent where HEAD is detached.
    pub branch: Option<String>,
    /// Files with changes that are not committed, untracked ones included, ignored ones not; absent in a bare repository,
    /// and where a changed file may not be read.
    pub uncommitted_changes: Option<u64>,
    /// The history is cut off (`git clone --depth`): counts of commits may be lower than the truth.
    pub shallow: bool,
}

/// How far two commits are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divergence {
    /// Commits that only local HEAD has.
    pub ahead: BoundedCount,
    /// Commits that only the remote's tip has.
    pub behind: BoundedCount,
}

/// A count that stops at a bound, so that a long history costs no more than a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundedCount {
    /// How many were counted.
    pub count: u32,
    /// Counting stopped at the bound, there may be more.
    pub at_least: bool,
}

impl BoundedCount {
    /// An exact count.
    #[must_use]
    pub const fn exactly(count: u32) -> Self {
        Self { count, at_least: false }
    }

    /// None, for sure.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.count == 0 && !self.at_least
    }
}

impl fmt::Display for BoundedCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.count, if self.at_least { "+" } else { "" })
    }
}

//! Operations: pull, switch, test, rollback, and what became of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Revision;

/// What moves a host; serialised as the `operation` label's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Bring the tracked branch to the local repository.
    Pull,
    /// Build local HEAD and activate it.
    Switch,
    /// Run the host's tests.
    Test,
    /// Go back to another generation.
    Rollback,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Pull, Self::Switch, Self::Test, Self::Rollback];

    /// The serialised form and label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Switch => "switch",
            Self::Test => "test",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// How an operation ended; serialised as the `result` label's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationResult {
    /// It did what it was to do.
    Success,
    /// It says itself that it failed: a step ended with a non-zero exit code.
    Failed,
    /// A person stopped it.
    Stopped,
    /// It took longer than its unit allows.
    TimedOut,
    /// It was killed by a signal that nobody asked for, such as out of memory.
    Killed,
    /// It started before the machine went down and has no result.
    Interrupted,
    /// It started since the machine's last start, runs no more, and left no result.
    Lost,
}

impl OperationResult {
    /// All results.
    pub const ALL: [Self; 7] =
        [Self::Success, Self::Failed, Self::Stopped, Self::TimedOut, Self::Killed, Self::Interrupted, Self::Lost];

    /// The serialised form and label value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::TimedOut => "timed-out",
            Self::Killed => "killed",
            Self::Interrupted => "interrupted",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for OperationResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The part of an operation that ran last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Reading the remote.
    Fetch,
    /// Checking signatures.
    Verify,
    /// Moving the local branch.
    Update,
    /// Evaluating the configuration.
    Evaluation,
    /// Building the system.
    Build,
    /// Activating the system.
    Activation,
    /// Waiting for the confirmation that the activated system is good.
    Confirmation,
    /// Running tests.
    Tests,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Update => "update",
            Self::Evaluation => "evaluation",
            Self::Build => "build",
            Self::Activation => "activation",
            Self::Confirmation => "confirmation",
            Self::Tests => "tests",
        })
    }
}

/// An operation that runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningOperation {
    /// systemd's id of this run.
    pub invocation_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The part that it is in, where it said so.
    pub phase: Option<Phase>,
    /// The commit that it works on, where it said so.
    pub revision: Option<Revision>,
}

/// An operation that runs no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedOperation {
    /// Which.
    pub operation: Operation,
    /// systemd's id of this run.
    pub invocation_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When its result was recorded; absent where it has none (interrupted, lost).
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub result: OperationResult,
    /// The exit code of the step that ended it, where one did.
    pub exit_code: Option<i32>,
    /// The part that it was in.
    pub phase: Option<Phase>,
    /// The commit that it worked on: pulled, built, tested; for a rollback the one it went back to, where known.
    pub revision: Option<Revision>,
    /// `/run/current-system` when it ended.
    pub store_path: Option<PathBuf>,
    /// The generation that it made, or went back to.
    pub generation: Option<u64>,
    /// One line for people, without secrets.
    pub detail: Option<String>,
}

/// What is known of one kind of operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperationRecord {
    /// The one that runs now.
    pub running: Option<RunningOperation>,
    /// The last one that runs no more.
    pub last: Option<FinishedOperation>,
    /// When the last one that succeeded ended.
    pub last_success_at: Option<Timestamp>,
    /// How many ended with which result, ever.
    pub totals: BTreeMap<OperationResult, u64>,
}

/// The system that nixfleet deployed last with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// Its commit, where known.
    pub revision: Option<Revision>,
    /// Its toplevel in the store.
    pub store_path: PathBuf,
    /// When.
    pub at: Timestamp,
    /// Where it was deployed for the next boot: the system that runs until then.
    pub until_boot: Option<UntilBoot>,
}

impl Deployed {
    /// The commit of this system, as nixfleet deployed it; absent for a system that this record is not of.
    #[must_use]
    pub fn revision_of(&self, store_path: &Path) -> Option<&Revision> {
        if self.store_path == *store_path {
            return self.revision.as_ref();
        }
        self.until_boot.as_ref().filter(|until_boot| until_boot.store_path == *store_path)?.revision.as_ref()
    }
}

/// The system that ran when another one was deployed for the next boot: it runs on until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntilBoot {
    /// Its toplevel in the store.
    pub store_path: PathBuf,
    /// Its commit, where known.
    pub revision: Option<Revision>,
}

/// The last pull that moved local HEAD. One that found nothing new does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The commit that it brought.
    pub revision: Revision,
    /// The commit that HEAD was at before, where known.
    pub from_revision: Option<Revision>,
    /// When it ended.
    pub at: Timestamp,
}

/// A commit that a rollback stepped back from, or that a person held: it is not deployed again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The commit.
    pub revision: Revision,
    /// The generation that the rollback went to, where known.
    pub generation: Option<u64>,
    /// Since when.
    pub since: Timestamp,
}

/// What the journal tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperationHistory {
    /// Of [`Operation::Pull`].
    pub pull: OperationRecord,
    /// Of [`Operation::Switch`].
    pub switch: OperationRecord,
    /// Of [`Operation::Test`].
    pub test: OperationRecord,
    /// Of [`Operation::Rollback`].
    pub rollback: OperationRecord,
    /// Which of switch and rollback came to an end last, in the order of the journal's lines: a clock may jump back.
    pub last_deployment: Option<Operation>,
    /// The last deployment (switch or rollback) that succeeded.
    pub deployed: Option<Deployed>,
    /// The last pull that moved local HEAD.
    pub pulled: Option<Pulled>,
    /// The commit that is held.
    pub held: Option<Held>,
    /// Why the journal, or a part of it, cannot be read, in one sentence.
    pub problem: Option<String>,
}

impl OperationHistory {
    /// What is known of this kind.
    #[must_use]
    pub const fn of(&self, operation: Operation) -> &OperationRecord {
        match operation {
            Operation::Pull => &self.pull,
            Operation::Switch => &self.switch,
            Operation::Test => &self.test,
            Operation::Rollback => &self.rollback,
        }
    }

    /// The same, to change.
    pub const fn of_mut(&mut self, operation: Operation) -> &mut OperationRecord {
        match operation {
            Operation::Pull => &mut self.pull,
            Operation::Switch => &mut self.switch,
            Operation::Test => &mut self.test,
            Operation::Rollback => &mut self.rollback,
        }
    }

    /// When a pull brought this commit, where the last pull that brought any did.
    pub(crate) fn pulled_at(&self, revision: &Revision) -> Option<Timestamp> {
        self.pulled.as_ref().filter(|pulled| pulled.revision == *revision).map(|pulled| pulled.at)
    }

    /// The switch or rollback that ran last, of those that run no more.
    #[must_use]
    pub fn last_deployment(&self) -> Option<&FinishedOperation> {
        self.of(self.last_deployment?).last.as_ref()
    }
}

//! What is known of a host at one moment: plain values, no I/O.
//!
//! [`crate::observe`] fills an [`Observation`] from a real host; [`crate::infer()`] turns it into states. A test or another
//! tool may make one by hand.

mod agent;
mod lock;
mod operations;
mod pull_requests;
mod reading;
mod remote;
mod repository;
mod settings;
mod sources;
mod system;
mod tests;

pub use agent::{AgentHeartbeat, AgentObservation};
pub use lock::{FlakeInput, InputChange, InputChangeKind, LockFile};
pub use operations::{
    Deployed, FinishedOperation, Held, Operation, OperationHistory, OperationRecord, OperationResult, Phase, Pulled,
    RunningOperation, UntilBoot,
};
pub use pull_requests::{PullRequest, PullRequestAttempt, PullRequestList, PullRequestStatus};
pub use reading::Reading;
pub use remote::{RemoteAttempt, RemoteCommit, RemoteStatus, SeenTip, ToldDistance};
pub use repository::{BoundedCount, Divergence, LocalRepository};
pub use settings::InferenceSettings;
pub use sources::Source;
pub use system::{Generation, RunningSystem, SystemObservation};
pub use tests::{IndividualTest, IndividualTestResult, TestRun, TestsSetup};

/// Everything that is known of one host at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The host's name: that of its configuration in the flake.
    pub host: String,
    /// The bounds that the rules work with.
    pub settings: InferenceSettings,
    /// The agent, as it last said itself.
    pub agent: AgentObservation,
    /// The local repository.
    pub repository: Reading<LocalRepository>,
    /// `flake.lock` in the local work tree (in a bare repository: in HEAD's commit).
    pub local_lock: Reading<LockFile>,
    /// The tracked branch of the remote.
    pub remote: RemoteStatus,
    /// How local HEAD and the remote's tip lie to each other; absent where one of the two is unknown.
    pub divergence: Option<Divergence>,
    /// The open pull requests that update `flake.lock`.
    pub pull_requests: PullRequestStatus,
    /// The running system and its generations.
    pub system: SystemObservation,
    /// What the journal tells of operations.
    pub operations: OperationHistory,
    /// Whether the host has tests.
    pub tests: TestsSetup,
    /// The last test run that came to an end, or was lost.
    pub last_test_run: Option<TestRun>,
    /// Why the single tests of that run are not known, where their file cannot be read: one sentence.
    pub tests_problem: Option<String>,
    /// Why nothing can be written to the state directory, and so no operation can begin, where that can be seen: one sentence.
    pub state_directory_problem: Option<String>,
}

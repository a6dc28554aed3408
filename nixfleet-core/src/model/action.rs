//! What a person can do about a state.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The next step that nixfleet suggests for a compartment.
///
/// Serialised as an object with the key `kind` in snake case; [`Action::MergePullRequest`] adds `number`.
/// Its [`Display`](fmt::Display) form is the few words shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Bring the tracked branch's commits to the local repository.
    Pull,
    /// Push the local commits, so that they are reviewed and reach the other hosts.
    Push,
    /// Bring the local and the remote branch together by hand: they have diverged.
    Reconcile,
    /// Build the local commit and activate it.
    Switch,
    /// Start the machine anew, when it suits: what was deployed starts then.
    Reboot,
    /// Run the host's tests.
    RunTests,
    /// Go back to the previous generation, or fix what fails.
    Rollback,
    /// Read what the last operation said.
    ViewLogs,
    /// Review and merge the pull request that updates `flake.lock`.
    MergePullRequest {
        /// Its number on the forge.
        number: u64,
    },
    /// Let the operation that runs come to its end.
    Wait,
    /// Check that the agent runs.
    CheckAgent,
    /// Check the remote: its address, the network, the credentials.
    CheckRemote,
    /// Check nixfleet's configuration of this host.
    CheckConfiguration,
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Reconcile => "merge or rebase by hand",
            Self::Switch => "switch",
            Self::Reboot => "reboot",
            Self::RunTests => "run tests",
            Self::Rollback => "rollback",
            Self::ViewLogs => "view logs",
            Self::MergePullRequest { number } => return write!(formatter, "merge PR {number}"),
            Self::Wait => "wait",
            Self::CheckAgent => "check the agent",
            Self::CheckRemote => "check the remote",
            Self::CheckConfiguration => "check the configuration",
        };
        formatter.pad(words)
    }
}

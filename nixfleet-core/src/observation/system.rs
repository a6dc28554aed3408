//! The running system and its generations.

use std::path::PathBuf;

use jiff::Timestamp;

use super::Reading;
use crate::Revision;

/// The systems of a host: the running one, the booted one, and the generations to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemObservation {
    /// `/run/current-system`.
    pub running: Reading<RunningSystem>,
    /// The store path that `/run/booted-system` points to.
    pub booted_store_path: Reading<PathBuf>,
    /// Kernel, initrd or kernel modules of the booted system are not those of the running one; absent where either is unknown.
    pub reboot_required: Option<bool>,
    /// The generations of the system profile, oldest first.
    pub generations: Reading<Vec<Generation>>,
}

impl SystemObservation {
    /// Nothing observed: for a tool that looks at a repository only.
    #[must_use]
    pub const fn not_observed() -> Self {
        Self {
            running: Reading::NotObserved,
            booted_store_path: Reading::NotObserved,
            reboot_required: None,
            generations: Reading::NotObserved,
        }
    }

    /// The newest generation of this store path.
    #[must_use]
    pub fn generation_of(&self, store_path: &std::path::Path) -> Option<&Generation> {
        self.generations.present()?.iter().rev().find(|generation| generation.store_path == store_path)
    }
}

/// The system that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningSystem {
    /// The toplevel in the store.
    pub store_path: PathBuf,
    /// `configurationRevision`, where the configuration sets one and it names a commit.
    pub revision: Option<Revision>,
    /// Such as `25.05.20250315.e2587ca`.
    pub nixos_version: Option<String>,
    /// Such as `6.12.19`.
    pub kernel_version: Option<String>,
}

/// One generation of the system profile.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// The toplevel in the store.
    pub store_path: PathBuf,
    /// When the profile's link was made.
    pub created_at: Timestamp,
    /// `configurationRevision`, where known.
    pub revision: Option<Revision>,
    /// The NixOS version, where known.
    pub nixos_version: Option<String>,
    /// The kernel's version, where known.
    pub kernel_version: Option<String>,
    /// The profile points to it: the next boot's default.
    pub is_profile_default: bool,
}

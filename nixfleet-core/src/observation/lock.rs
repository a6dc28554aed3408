//! A `flake.lock` in short: its digest and its direct inputs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Sha256;

/// One `flake.lock`, as far as states and metrics need it. [`crate::flake_lock`] reads the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFile {
    /// Of the file's bytes as they are.
    pub sha256: Sha256,
    /// The direct inputs of the flake, by name; empty where the file could not be understood.
    pub inputs: Vec<FlakeInput>,
    /// Why the file could not be understood, in one sentence. Its digest is right all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One direct input of a flake as its `flake.lock` pins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlakeInput {
    /// The input's name in `inputs`.
    pub name: String,
    /// The fetcher's type: `github`, `git`, `tarball`, `path`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the flake asks for it, as a flake reference such as `github:NixOS/nixpkgs/nixos-unstable`, without credentials.
    pub reference: String,
    /// The pinned commit, where the type has commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When the pinned content was last changed; absent for path inputs of some Nix versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_at: Option<Timestamp>,
    /// Digest over all that is locked of this input: two locks pin the same where it is equal.
    pub locked_sha256: Sha256,
}

/// What differs between two locks in one direct input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputChange {
    /// The input's name.
    pub name: String,
    /// In which way.
    pub kind: InputChangeKind,
}

/// In which way an input differs, seen from the first lock to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum InputChangeKind {
    /// Only the second lock has it.
    Added {
        /// As the second lock pins it.
        to: FlakeInput,
    },
    /// Only the first lock has it.
    Removed {
        /// As the first lock pins it.
        from: FlakeInput,
    },
    /// Both have it, pinned to different content.
    Updated {
        /// As the first lock pins it.
        from: FlakeInput,
        /// As the second lock pins it.
        to: FlakeInput,
    },
}

impl LockFile {
    /// What differs in the direct inputs from this lock to `other`, by name.
    #[must_use]
    pub fn changes_to(&self, other: &Self) -> Vec<InputChange> {
        let find = |lock: &Self, name: &str| lock.inputs.iter().find(|input| input.name == name).cloned();
        let mut names: Vec<&str> = self.inputs.iter().chain(&other.inputs).map(|input| input.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| {
                let kind = match (find(self, name), find(other, name)) {
                    (None, Some(to)) => InputChangeKind::Added { to },
                    (Some(from), None) => InputChangeKind::Removed { from },
                    (Some(from), Some(to)) if from.locked_sha256 != to.locked_sha256 => {
                        InputChangeKind::Updated { from, to }
                    }
                    _ => return None,
                };
                Some(InputChange { name: name.to_owned(), kind })
            })
            .collect()
    }
}

//! Whose signatures the commits of the tracked branch have to carry.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Whose signatures the commits of the tracked branch have to carry. Where any of these files is named, every pulled
/// commit has to be signed by one of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignaturesConfig {
    /// ssh keys that may sign, in the format of `ssh-keygen`'s ALLOWED SIGNERS.
    pub allowed_signers_file: Option<PathBuf>,
    /// OpenPGP keys that may sign: exported public keys, binary or armoured.
    pub openpgp_keyring_file: Option<PathBuf>,
    /// OpenPGP keys that may sign merge commits only: those of the forge that merges pull requests.
    pub forge_keyring_file: Option<PathBuf>,
}

impl SignaturesConfig {
    /// Whether commits have to be signed.
    #[must_use]
    pub const fn are_required(&self) -> bool {
        self.allowed_signers_file.is_some() || self.openpgp_keyring_file.is_some() || self.forge_keyring_file.is_some()
    }
}

//! When a switch counts as good: whether it has to be confirmed.

use serde::{Deserialize, Serialize};

/// Whether and how a switch has to be confirmed before it becomes the boot default. Without confirmation in time the
/// previous system comes back by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmConfig {
    /// Whether a switch has to be confirmed. Default: no.
    pub enable: bool,
    /// The confirmation has to come within this time after the activation. Default: 180.
    pub timeout_seconds: u64,
    /// A program with its arguments that has to succeed; it runs as root, without a shell, again and again until it does.
    /// Default: none, and the agent has to reach the remote.
    pub command: Option<Vec<String>>,
}

impl Default for ConfirmConfig {
    fn default() -> Self {
        Self { enable: false, timeout_seconds: 180, command: None }
    }
}

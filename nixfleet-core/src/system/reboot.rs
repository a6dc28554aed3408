//! Whether the booted system is too different from the running one to go on without a reboot.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{SystemError, SystemRoot};

/// The parts of a toplevel that only a boot brings into use.
const BOOTED_PARTS: [&str; 3] = ["kernel", "initrd", "kernel-modules"];
const TRIGGERS_MAXIMUM_BYTES: u64 = 1024 * 1024;

impl SystemRoot {
    /// Whether a boot is needed to bring all of the running system into use; absent where a part cannot be read and no other
    /// part decides.
    ///
    /// A part that both systems lack, such as a container's kernel, is equal; one that only one of them lacks is not. Beyond
    /// the parts, the values of `reboot-triggers` are compared by the rule of nixpkgs'
    /// `nixos/modules/tasks/auto-upgrade.nix`: only keys that both systems have count, and a missing or broken file has none.
    pub(super) fn reboot_required(&self, booted: &Path, running: &Path) -> Option<bool> {
        if booted == running {
            return Some(false);
        }
        let mut every_part_is_known = true;
        for part in BOOTED_PARTS {
            match (self.part(booted, part), self.part(running, part)) {
                (Ok(booted), Ok(running)) if booted == running => {}
                (Ok(_), Ok(_)) => return Some(true),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::debug!(%error, part, "part of a system left out");
                    every_part_is_known = false;
                }
            }
        }
        if triggers_differ(&self.reboot_triggers(booted), &self.reboot_triggers(running)) {
            return Some(true);
        }
        every_part_is_known.then_some(false)
    }

    /// Where the part lies. Paths in the store name their content, so they need not exist to be compared.
    fn part(&self, toplevel: &Path, name: &str) -> Result<Option<PathBuf>, SystemError> {
        self.existing_entry(&toplevel.join(name))?.map(|entry| self.resolve(&entry)).transpose()
    }

    fn reboot_triggers(&self, toplevel: &Path) -> Map<String, Value> {
        self.small_file(&toplevel.join("reboot-triggers"), TRIGGERS_MAXIMUM_BYTES)
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }
}

fn triggers_differ(booted: &Map<String, Value>, running: &Map<String, Value>) -> bool {
    booted.iter().any(|(name, value)| running.get(name).is_some_and(|other| other != value))
}

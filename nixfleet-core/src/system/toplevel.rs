//! What a toplevel tells of itself. Each detail that cannot be read is absent.

use std::fs;
use std::path::Path;

use super::SystemRoot;
use super::configuration_revision::revision_in_script;
use super::kernel_version::version_in_store_path;
use crate::Revision;

/// A label is part of a store path's name, and those have at most 211 characters.
const NIXOS_VERSION_MAXIMUM_BYTES: u64 = 256;
/// The script has less than 1 KiB.
const SCRIPT_MAXIMUM_BYTES: u64 = 64 * 1024;

impl SystemRoot {
    /// `system.configurationRevision` of the system at this path, where it is set and names a commit.
    #[must_use]
    pub fn configuration_revision(&self, toplevel: &Path) -> Option<Revision> {
        revision_in_script(&self.small_file(&toplevel.join("sw/bin/nixos-version"), SCRIPT_MAXIMUM_BYTES)?)
    }

    /// `system.nixos.label`.
    pub(super) fn nixos_version(&self, toplevel: &Path) -> Option<String> {
        let text = self.small_file(&toplevel.join("nixos-version"), NIXOS_VERSION_MAXIMUM_BYTES)?;
        version(text.trim())
    }

    /// The version of the kernel that the toplevel would boot.
    pub(super) fn kernel_version(&self, toplevel: &Path) -> Option<String> {
        self.version_of_modules(toplevel).or_else(|| {
            let kernel = self.resolve(&toplevel.join("kernel")).ok()?;
            version_in_store_path(&kernel).and_then(version)
        })
    }

    fn version_of_modules(&self, toplevel: &Path) -> Option<String> {
        let modules = self.resolve(&toplevel.join("kernel-modules/lib/modules")).ok()?;
        let mut entries = fs::read_dir(self.on_host(&modules)).ok()?;
        let only = entries.next()?.ok()?;
        // With more than one it is unclear which of them is meant.
        if entries.next().is_some() {
            return None;
        }
        version(only.file_name().to_str()?)
    }
}

/// A version is one word of visible ASCII: safe to print, and as a label.
fn version(text: &str) -> Option<String> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| text.to_owned())
}

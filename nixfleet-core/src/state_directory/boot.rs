//! What the running machine says of itself: which boot this is, and which runs of units systemd still has.

use std::collections::BTreeSet;
use std::path::Path;

/// The id of this boot, below `root` (`/` on a host); `None` where the kernel's file cannot be read.
///
/// Source: `/proc/sys/kernel/random/boot_id`.
#[must_use]
pub fn boot_id(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join("proc/sys/kernel/random/boot_id")).ok()?;
    let id = text.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// The invocation ids of nixfleet's units that systemd has active, below `root` (`/` on a host); `None` where systemd
/// tells nothing, such as in a container without it.
///
/// Source: for each active unit systemd keeps the symbolic link `/run/systemd/units/invocation:UNIT`, which points to the
/// invocation id (32 hexadecimal digits). Read this *before* the journal: an operation that ends in between is then in the
/// journal, and not taken for lost.
#[must_use]
pub fn live_invocations(root: &Path) -> Option<BTreeSet<String>> {
    let entries = root.join("run/systemd/units").read_dir().ok()?;
    let mut ids = BTreeSet::new();
    for entry in entries {
        let entry = entry.ok()?;
        // A machine has hundreds of units.
        if entry.file_name().as_encoded_bytes().starts_with(b"invocation:nixfleet-")
            && let Ok(target) = std::fs::read_link(entry.path())
            && let Some(id) = target.to_str()
        {
            ids.insert(id.to_owned());
        }
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_systemd_and_the_kernel_keep() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(live_invocations(root.path()), None);
        assert_eq!(boot_id(root.path()), None);
        let units = root.path().join("run/systemd/units");
        std::fs::create_dir_all(&units).unwrap();
        assert_eq!(live_invocations(root.path()), Some(BTreeSet::new()));
        let id = "4a3c0f1e5b6d47a98c2b1d0e9f8a7b6c";
        std::os::unix::fs::symlink(id, units.join("invocation:nixfleet-switch.service")).unwrap();
        std::os::unix::fs::symlink("0".repeat(32), units.join("invocation:sshd.service")).unwrap();
        std::os::unix::fs::symlink("7", units.join("log-level-max:nixfleet-switch.service")).unwrap();
        std::fs::write(units.join("invocation:nixfleet-pull.service"), "no link").unwrap();
        assert_eq!(live_invocations(root.path()), Some(BTreeSet::from([id.to_owned()])));

        let kernel = root.path().join("proc/sys/kernel/random");
        std::fs::create_dir_all(&kernel).unwrap();
        std::fs::write(kernel.join("boot_id"), "0b9f8a7e-6c5d-4e3f-8a2b-1c0d9e8f7a6b\n").unwrap();
        assert_eq!(boot_id(root.path()).as_deref(), Some("0b9f8a7e-6c5d-4e3f-8a2b-1c0d9e8f7a6b"));
    }
}

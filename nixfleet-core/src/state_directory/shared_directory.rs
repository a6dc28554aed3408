//! A state directory in which two users write: nixfleet's own, and the owner of the checkout, as members of one group.

use std::fs::{Metadata, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::atomic_file::{is_shared, with_group};

/// What both write, beside the files that are replaced as a whole.
const SHARED: [&str; 6] = ["journal.jsonl", "journal.lock", "audit.jsonl", "audit.lock", "remote.lock", "build"];

/// It is made again where it is missing.
const STORE: &str = "remote.git";

/// What is made in such a directory is its group's.
const SET_GROUP_ID: u32 = 0o2000;

/// Where the directory is shared: opens to the group what this user owns, and lets this process make files for it.
pub(super) fn share(directory: &Path) {
    if !is_shared(directory) {
        return;
    }
    // For what libgit2 makes, which knows no other way.
    rustix::process::umask(Mode::from_raw_mode(0o002));
    for name in SHARED {
        open_to_group(&directory.join(name));
    }
    remove_unshared_store(directory);
}

/// What cannot be opened is said by whoever needs it.
fn open_to_group(path: &Path) {
    // Through a descriptor: others may put a link there at any moment.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) else { return };
    let Ok(metadata) = file.metadata() else { return };
    if let Some(mode) = mode_for_group(&metadata) {
        let _ = file.set_permissions(Permissions::from_mode(mode));
    }
}

/// What was fetched before lies in directories that give nothing to the group, and cannot be changed without more rights.
fn remove_unshared_store(directory: &Path) {
    let (store, aside) = (directory.join(STORE), directory.join("remote.git.unshared"));
    let has_group = |metadata: &Metadata| metadata.mode() & SET_GROUP_ID != 0;
    let is_unshared = |metadata: Metadata| metadata.is_dir() && is_own(&metadata) && !has_group(&metadata);
    if directory.metadata().is_ok_and(|metadata| has_group(&metadata))
        && store.symlink_metadata().is_ok_and(is_unshared)
    {
        // One that a crash left.
        let _ = std::fs::remove_dir_all(&aside);
        if std::fs::rename(&store, &aside).is_ok() {
            let _ = std::fs::remove_dir_all(&aside);
        }
    }
}

fn is_own(metadata: &Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// The permissions that it lacks; none where it belongs to somebody else, or has them.
fn mode_for_group(metadata: &Metadata) -> Option<u32> {
    let mode = metadata.mode() & 0o7777;
    (is_own(metadata) && (metadata.is_dir() || metadata.is_file()) && with_group(mode) != mode)
        .then(|| with_group(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_before_is_opened_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let set = |name: &str, mode: u32| std::fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
        let mode = |name: &str| path(name).metadata().unwrap().mode() & 0o7777;
        std::fs::create_dir_all(path("remote.git/objects/pack")).unwrap();
        std::fs::create_dir(path("build")).unwrap();
        for name in ["journal.jsonl", "journal.lock", "secret", "remote.git/objects/pack/p"] {
            std::fs::write(path(name), "").unwrap();
        }
        std::os::unix::fs::symlink(path("secret"), path("audit.lock")).unwrap();
        for (name, mode) in
            [("journal.jsonl", 0o644), ("journal.lock", 0o600), ("secret", 0o600), ("remote.git", 0o755)]
        {
            set(name, mode);
        }
        set(".", 0o755);
        share(directory.path());
        assert_eq!(mode("journal.jsonl"), 0o644, "not shared");

        set(".", 0o2775);
        share(directory.path());
        let expected = [("journal.jsonl", 0o664), ("journal.lock", 0o660), ("secret", 0o600), ("build", 0o775)];
        for (name, expected) in expected {
            assert_eq!(mode(name), expected, "{name}");
        }
        assert!(!path("remote.git").exists(), "it is fetched again");
        std::fs::write(path("new"), "").unwrap();
        assert_eq!(mode("new"), 0o664);
        rustix::process::umask(Mode::from_raw_mode(0o022));
    }
}

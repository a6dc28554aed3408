//! Where the control groups of the machines lie, and what killed runs left of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "nixfleet-machine-";

/// The root of the unified hierarchy: mounted alone, or beside those of version 1.
pub(super) fn hierarchy() -> Option<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.join("cgroup.procs").exists() && path.join("cgroup.controllers").exists())
}

/// The path of a group for a new machine of this process; not made yet.
pub(super) fn new_group() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let hierarchy = hierarchy().expect("Image::get has looked for it");
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let group = hierarchy.join(format!("{PREFIX}{}-{number}", std::process::id()));
        // A killed run may have left one, and its process number may be ours now.
        if !group.exists() {
            return group;
        }
    }
}

/// Remove the groups of processes that are gone. A group with a process in it cannot be removed, and stays.
pub(super) fn remove_leftovers() {
    for (name, path) in groups() {
        let owner = name[PREFIX.len()..].split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            remove_tree(&path);
        }
    }
}

fn groups() -> Vec<(String, PathBuf)> {
    let Some(hierarchy) = hierarchy() else { return Vec::new() };
    let entries = fs::read_dir(hierarchy).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

fn remove_tree(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_tree(&entry.path());
        }
    }
    // Another run may be about to do the same.
    let _ = fs::remove_dir(group);
}

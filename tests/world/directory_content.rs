//! All that a directory holds, to see whether somebody changed it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nixfleet_core::Sha256;

/// What lies at each path: kind and permissions, owner, time of the last change, and the content or the link's target.
pub type Content = BTreeMap<PathBuf, String>;

/// Of the directory itself and everything below it.
pub fn content(directory: &Path) -> Content {
    let mut content = Content::new();
    add(directory, &mut content);
    content
}

fn add(path: &Path, content: &mut Content) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let what = if metadata.is_symlink() {
        fs::read_link(path).unwrap().display().to_string()
    } else if metadata.is_file() {
        fs::read(path).map_or_else(|error| error.to_string(), |bytes| Sha256::of(&bytes).to_string())
    } else {
        String::new()
    };
    let (mode, owner) = (metadata.mode(), metadata.uid());
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    content.insert(path.to_owned(), format!("{mode:o} {owner} {seconds}.{nanoseconds:09} {what}"));
    if metadata.is_dir() {
        // One that may not be read has a content that cannot be seen.
        for entry in fs::read_dir(path).into_iter().flatten() {
            add(&entry.unwrap().path(), content);
        }
    }
}

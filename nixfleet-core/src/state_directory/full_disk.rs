//! Whether the disk of the state directory is full: seen by whoever reads, since who would have to write it down cannot.

use std::path::Path;

use rustix::fs::statvfs;

/// A line of the journal, and a little: with less, no operation can begin.
const NEEDED_BYTES: u64 = 4096;

/// One sentence where a user other than root has no room left there. What cannot be asked is no problem of its own.
pub(super) fn full_disk(directory: &Path) -> Option<String> {
    let disk = statvfs(directory).ok()?;
    let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    // File systems that make inodes as they need them tell of none at all.
    let has_inodes = disk.f_files == 0 || disk.f_favail > 0;
    sentence(directory, free_bytes, has_inodes)
}

fn sentence(directory: &Path, free_bytes: u64, has_inodes: bool) -> Option<String> {
    let what = match (free_bytes < NEEDED_BYTES, has_inodes) {
        (false, true) => return None,
        (true, _) => "is full",
        (false, false) => "has no inodes left",
    };
    Some(format!("the disk of {} {what}, so no operation can begin: free some space", directory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_disk_is_one() {
        for (free_bytes, has_inodes, expected) in [
            (1 << 20, true, None),
            (NEEDED_BYTES, true, None),
            (NEEDED_BYTES - 1, true, Some("is full")),
            (0, false, Some("is full")),
            (1 << 20, false, Some("has no inodes left")),
        ] {
            let sentence = sentence(Path::new("/var/lib/nixfleet"), free_bytes, has_inodes);
            match expected {
                Some(words) => assert!(sentence.is_some_and(|it| it.contains(words)), "{free_bytes} {has_inodes}"),
                None => assert_eq!(sentence, None, "{free_bytes} {has_inodes}"),
            }
        }
        assert_eq!(full_disk(Path::new("/nonexistent")), None);
    }
}

//! Where the objects of remotes are kept for repositories that are looked at without a daemon.

use std::env;
use std::path::{Path, PathBuf};

/// The cache directory of this user or service: `$CACHE_DIRECTORY` (set by systemd for `CacheDirectory=`),
/// `$XDG_CACHE_HOME/nixfleet`, or `~/.cache/nixfleet`. None where the environment names none of them.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("CACHE_DIRECTORY")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|cache| cache.join("nixfleet")))
        .or_else(|| absolute("HOME").map(|home| home.join(Path::new(".cache/nixfleet"))))
}

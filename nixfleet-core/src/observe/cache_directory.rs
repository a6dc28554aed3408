//! Where the objects of remotes are kept for repositories that are looked at without a daemon.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The cache directory of this user or service: `$CACHE_DIRECTORY` (set by systemd for `CacheDirectory=`; of several the
/// first), `$XDG_CACHE_HOME/nixfleet`, or `~/.cache/nixfleet`. None where the environment names none of them.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    named_by(|name| env::var_os(name))
}

fn named_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let of_service = || {
        let directories = variable("CACHE_DIRECTORY")?;
        // systemd.exec(5): several directories are separated by colons.
        let first = directories.as_bytes().split(|byte| *byte == b':').next()?;
        absolute(PathBuf::from(OsStr::from_bytes(first)))
    };
    let of_user = || Some(absolute(variable("XDG_CACHE_HOME")?.into())?.join("nixfleet"));
    let in_home = || Some(absolute(variable("HOME")?.into())?.join(Path::new(".cache/nixfleet")));
    of_service().or_else(of_user).or_else(in_home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_absolute_path_that_is_named() {
        for (environment, expected) in [
            (&[][..], None),
            (&[("HOME", "/home/a")], Some("/home/a/.cache/nixfleet")),
            (&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/c")], Some("/c/nixfleet")),
            (&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "relative")], Some("/home/a/.cache/nixfleet")),
            (&[("HOME", "/home/a"), ("CACHE_DIRECTORY", "/var/cache/x")], Some("/var/cache/x")),
            (&[("CACHE_DIRECTORY", "/var/cache/x:/var/cache/y")], Some("/var/cache/x")),
            (&[("CACHE_DIRECTORY", ""), ("HOME", "")], None),
        ] {
            let variable = |name: &str| {
                environment.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(named_by(variable).as_deref(), expected.map(Path::new), "{environment:?}");
        }
    }
}

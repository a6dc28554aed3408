//! The root directory of the observed system, and links below it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::SystemError;

/// As many as the Linux kernel follows in one path.
pub(super) const MAXIMUM_LINKS: usize = 40;

/// The root directory of the system to observe: `/` by default.
///
/// Links below it are followed as a process would that has it for its root: a link to `/nix/store/x` means `x` in the
/// store below this root, and no `..` leads out of it. Paths are told as seen from inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemRoot {
    directory: PathBuf,
}

impl Default for SystemRoot {
    fn default() -> Self {
        Self::new("/")
    }
}

impl SystemRoot {
    /// The system whose root directory this is.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where a path inside lies on this host. Only safe to open for a resolved path.
    pub(super) fn on_host(&self, inside: &Path) -> PathBuf {
        self.directory.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// The path without any link, as seen from inside. What does not exist is kept as it is written.
    ///
    /// `openat2` with `RESOLVE_IN_ROOT` would do the same in the kernel, but tells no path where the target is gone, and
    /// sandboxes deny it.
    pub(super) fn resolve(&self, inside: &Path) -> Result<PathBuf, SystemError> {
        let mut resolved = PathBuf::from("/");
        let mut pending = names_last_first(inside);
        let mut links = 0;
        while let Some(name) = pending.pop() {
            match name.as_encoded_bytes() {
                b"/" => resolved = PathBuf::from("/"),
                b"." => {}
                b".." => {
                    resolved.pop();
                }
                _ => {
                    resolved.push(name);
                    let Some(target) = self.target_of(&resolved)? else { continue };
                    links += 1;
                    if links > MAXIMUM_LINKS {
                        return Err(SystemError::TooManyLinks { path: self.on_host(inside) });
                    }
                    if target.to_str().is_none() {
                        return Err(SystemError::TargetNotUtf8 { path: self.on_host(&resolved) });
                    }
                    resolved.pop();
                    pending.extend(names_last_first(&target));
                }
            }
        }
        Ok(resolved)
    }

    /// The directory that this link leads to; absent where there is no such link.
    pub(super) fn linked_toplevel(&self, link: &Path) -> Result<Option<PathBuf>, SystemError> {
        let path = self.on_host(link);
        let Some(link) = self.existing_entry(link)? else { return Ok(None) };
        if self.target_of(&link)?.is_none() {
            return Err(SystemError::NotALink { path });
        }
        let target = self.resolve(&link)?;
        match fs::symlink_metadata(self.on_host(&target)) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(target)),
            Ok(_) => Err(SystemError::NotADirectory { path, target }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SystemError::Dangling { path, target }),
            Err(source) => Err(SystemError::Unreadable { path: self.on_host(&target), source }),
        }
    }

    /// The entry itself, not followed if it is a link, in its resolved directory; absent where it does not exist.
    pub(super) fn existing_entry(&self, inside: &Path) -> Result<Option<PathBuf>, SystemError> {
        let (Some(directory), Some(name)) = (inside.parent(), inside.file_name()) else { return Ok(None) };
        let entry = self.resolve(directory)?.join(name);
        let path = self.on_host(&entry);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(Some(entry)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SystemError::Unreadable { path, source }),
        }
    }

    /// What a link in a resolved directory says; absent where there is no link.
    pub(super) fn target_of(&self, entry: &Path) -> Result<Option<PathBuf>, SystemError> {
        let path = self.on_host(entry);
        match fs::read_link(&path) {
            Ok(target) => Ok(Some(target)),
            // InvalidInput is readlink's word for: this is not a link.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => Ok(None),
            Err(source) => Err(SystemError::Unreadable { path, source }),
        }
    }
}

fn names_last_first(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|component| component.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

    use super::*;

    /// Where the kernel ends for a process with this root; absent where it finds nothing.
    fn resolved_by_the_kernel(root: &Path, inside: &Path) -> Option<PathBuf> {
        let directory = rustix::fs::openat(CWD, root, OFlags::PATH, Mode::empty()).unwrap();
        let file = openat2(&directory, inside, OFlags::PATH, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
        let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
        Some(Path::new("/").join(path.strip_prefix(root).unwrap()))
    }

    fn path() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec!["a", "b", "c", "d", "..", "."]);
        (prop::bool::ANY, prop::collection::vec(name, 1..6))
            .prop_map(|(absolute, names)| format!("{}{}", if absolute { "/" } else { "" }, names.join("/")))
    }

    proptest! {
        #[test]
        fn resolves_as_the_kernel_does_and_never_leaves_the_root(
            links in prop::collection::vec(("(a/|b/|a/b/|)[abcd]", path()), 0..8),
            asked in path(),
        ) {
            let parent = tempfile::tempdir().unwrap();
            // Names outside the root that an escape would find.
            fs::create_dir_all(parent.path().join("a/b/c")).unwrap();
            let directory = parent.path().canonicalize().unwrap().join("root");
            fs::create_dir_all(directory.join("a/b")).unwrap();
            fs::create_dir_all(directory.join("b/a")).unwrap();
            for (link, target) in &links {
                // A link that cannot be made here, such as in place of a directory, makes another tree to look at.
                let _ = symlink(target, directory.join(link));
            }

            let root = SystemRoot::new(&directory);
            let resolved = root.resolve(Path::new(&asked));
            if let Some(expected) = resolved_by_the_kernel(&directory, Path::new(&asked)) {
                prop_assert_eq!(resolved.as_ref().unwrap(), &expected);
            }
            if let Ok(resolved) = resolved {
                let on_host = root.on_host(&resolved);
                prop_assert!(on_host.starts_with(&directory));
                if let Ok(canonical) = on_host.canonicalize() {
                    prop_assert_eq!(canonical, on_host);
                }
            }
        }
    }
}

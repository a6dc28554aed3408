//! Keeping systems from being collected as garbage while a switch may need them: links of root's own below Nix's
//! `gcroots`, which also tell later what root itself saw running.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Nix keeps what a link in here points to, in subdirectories, too (`nix-store --gc`).
const DIRECTORY: &str = "/nix/var/nix/gcroots/nixfleet";

/// What a system is to a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is about to be activated.
    New,
    /// It comes back where the new one is not confirmed.
    Before,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::New => "switch-to",
            Self::Before => "fall-back-to",
        }
    }
}

/// The systems that are kept.
#[derive(Debug)]
pub(super) struct KeptSystems {
    directory: PathBuf,
}

impl Default for KeptSystems {
    fn default() -> Self {
        Self { directory: DIRECTORY.into() }
    }
}

impl KeptSystems {
    /// Keeps this system until [`Self::release`], also across a crash; the former one in its role is kept no longer.
    pub(super) fn keep(&self, role: Role, store_path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(&self.directory)?;
        let (link, temporary) = (self.link(role), self.directory.join(format!(".{}", role.name())));
        remove(&temporary)?;
        symlink(store_path, &temporary)?;
        std::fs::rename(&temporary, &link)
    }

    /// The system that is kept in this role.
    pub(super) fn kept(&self, role: Role) -> Option<PathBuf> {
        std::fs::read_link(self.link(role)).ok()
    }

    /// Keeps nothing any more: the switch is over. What stays all the same is one system too many until the next switch.
    pub(super) fn release(&self) {
        for role in [Role::New, Role::Before] {
            if let Err(error) = remove(&self.link(role)) {
                eprintln!("cannot remove {}: {error}", self.link(role).display());
            }
        }
    }

    fn link(&self, role: Role) -> PathBuf {
        self.directory.join(role.name())
    }
}

fn remove(link: &Path) -> io::Result<()> {
    match std::fs::remove_file(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_system_is_kept_in_each_role_until_the_switch_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let kept = KeptSystems { directory: directory.path().join("gcroots/nixfleet") };
        assert_eq!(kept.kept(Role::Before), None);
        kept.release();
        for store_path in ["/nix/store/one", "/nix/store/two"] {
            kept.keep(Role::Before, Path::new(store_path)).unwrap();
            assert_eq!(kept.kept(Role::Before).as_deref(), Some(Path::new(store_path)));
        }
        assert_eq!(kept.kept(Role::New), None);
        // One that a crash left half made.
        symlink("/nix/store/half", kept.directory.join(".switch-to")).unwrap();
        kept.keep(Role::New, Path::new("/nix/store/three")).unwrap();
        assert_eq!(kept.directory.read_dir().unwrap().count(), 2);
        kept.release();
        assert_eq!(kept.directory.read_dir().unwrap().count(), 0);
    }
}

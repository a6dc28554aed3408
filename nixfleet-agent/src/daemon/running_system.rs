//! Whether another system runs than a while ago: `nixos-rebuild switch` by hand writes to no journal of nixfleet.

use std::path::{Path, PathBuf};

/// What an activation moves.
pub(crate) const LINK: &str = "/run/current-system";

/// The link at the last two looks at it.
#[derive(Debug)]
pub(crate) struct RunningSystem([Option<PathBuf>; 2]);

impl RunningSystem {
    /// As it is now.
    pub(crate) fn of(link: &Path) -> Self {
        let now = std::fs::read_link(link).ok();
        Self([now.clone(), now])
    }

    /// Whether the link leads elsewhere than at the last look, or did then: an activation moves it before it tells systemd of
    /// new units, so that what is read at once may be too early.
    pub(crate) fn has_changed(&mut self, link: &Path) -> bool {
        let [last, before] = std::mem::take(&mut self.0);
        let now = std::fs::read_link(link).ok();
        let has_changed = now != last || last != before;
        self.0 = [now, last];
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_change_is_told_twice() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("current-system");
        let mut system = RunningSystem::of(&link);
        let look = |system: &mut RunningSystem| std::array::from_fn(|_| system.has_changed(&link));
        assert_eq!(look(&mut system), [false; 4], "no NixOS");
        for target in ["/nix/store/old", "/nix/store/new"] {
            let _ = std::fs::remove_file(&link);
            symlink(target, &link).unwrap();
            assert_eq!(look(&mut system), [true, true, false, false], "{target}");
        }
        std::fs::remove_file(&link).unwrap();
        assert_eq!(look(&mut system), [true, true, false, false]);
    }
}

//! Whether the running system has another agent than this one, or other credentials for it.

use std::path::{Component, Path, PathBuf};

/// The program that runs here; the kernel knows it.
pub(crate) fn own_program() -> Option<PathBuf> {
    std::fs::read_link("/proc/self/exe").ok()
}

/// Whether systemd would now start another program than the one that runs. `expected` is what the unit names, `None`
/// where the unit is gone: then there is nothing to stay for.
///
/// A program that cannot be found is not waited for at systemd's side either: then the old one stays.
pub(crate) fn is_replaced(own: &Path, expected: Option<&Path>) -> bool {
    let Some(expected) = expected else { return true };
    let Ok(expected) = expected.canonicalize() else { return false };
    package(own) != package(&expected)
}

/// The credentials that this agent was started with: names and files, as its unit had them at the first look.
///
/// A running service keeps them. Where a switch brought others, only a new start gets them.
#[derive(Debug, Default)]
pub(crate) struct OwnCredentials(Option<Vec<(String, String)>>);

impl OwnCredentials {
    /// Whether systemd would now pass others. `expected` is what the unit names, `None` where the unit is gone.
    pub(crate) fn is_outdated(&mut self, expected: Option<Vec<(String, String)>>) -> bool {
        let Some(expected) = expected else { return false };
        *self.0.get_or_insert_with(|| expected.clone()) != expected
    }
}

/// The package in the Nix store, since a wrapper runs another file of the same package; elsewhere the file itself.
fn package(path: &Path) -> PathBuf {
    let mut parts = path.components();
    let store =
        [Some(Component::RootDir), Some(Component::Normal("nix".as_ref())), Some(Component::Normal("store".as_ref()))];
    if [parts.next(), parts.next(), parts.next()] == store
        && let Some(name) = parts.next()
    {
        return Path::new("/nix/store").join(name);
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_another_agent() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let (old, new, link) = (directory.join("old"), directory.join("new"), directory.join("link"));
        std::fs::write(&old, "").unwrap();
        std::fs::write(&new, "").unwrap();
        std::os::unix::fs::symlink(&old, &link).unwrap();
        for (expected, replaced) in [
            (Some(&old), false),
            (Some(&link), false),
            (Some(&new), true),
            (Some(&directory.join("gone")), false),
            (None, true),
        ] {
            assert_eq!(is_replaced(&old, expected.map(PathBuf::as_path)), replaced, "{expected:?}");
        }
        // As the kernel shows a program whose file was removed.
        assert!(is_replaced(&directory.join("old (deleted)"), Some(&old)));
    }

    #[test]
    fn other_credentials_ask_for_a_new_start() {
        let named = |file: &str| Some(vec![("token".to_owned(), file.to_owned())]);
        let mut own = OwnCredentials::default();
        for (expected, outdated) in [
            (named("/run/secrets/one"), false),
            (named("/run/secrets/one"), false),
            (named("/run/secrets/two"), true),
            (Some(Vec::new()), true),
            (None, false),
            (named("/run/secrets/one"), false),
        ] {
            assert_eq!(own.is_outdated(expected.clone()), outdated, "{expected:?}");
        }
        let mut without = OwnCredentials::default();
        assert!(!without.is_outdated(Some(Vec::new())) && without.is_outdated(named("/run/secrets/one")));
    }

    #[test]
    fn a_wrapper_is_of_the_same_package() {
        let of = |path: &str| package(Path::new(path));
        assert_eq!(of("/nix/store/abc-nixfleet/bin/nixfleet-agent"), of("/nix/store/abc-nixfleet/bin/.wrapped"));
        assert_ne!(of("/nix/store/abc-nixfleet/bin/nixfleet-agent"), of("/nix/store/def-nixfleet/bin/nixfleet-agent"));
        assert_eq!(of("/usr/bin/nixfleet-agent"), Path::new("/usr/bin/nixfleet-agent"));
    }
}

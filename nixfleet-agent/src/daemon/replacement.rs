//! Whether the running system has another agent than this one, or other credentials for it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

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
/// A running service keeps them, and what they held. Where a switch brought others, or somebody wrote a file anew, only a
/// new start gets them.
#[derive(Debug)]
pub(crate) struct OwnCredentials {
    started_at: SystemTime,
    /// Each with its file as it was passed; that is absent where it was written since, or cannot be told.
    own: Option<Vec<(Credential, Option<Written>)>>,
}

/// Name and file.
type Credential = (String, String);

/// A file as it was written once: device, inode, and when it was changed. Somebody may replace it, write into it, or let a
/// link on its path lead elsewhere: then one of these differs. It takes no right to read the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written(u64, u64, i64, i64);

impl Written {
    /// Absent where this user cannot tell.
    fn of(file: &str) -> Option<Self> {
        let metadata = std::fs::metadata(file).ok()?;
        Some(Self(metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
    }

    /// Not what will be by the clock of another machine: that would lead from one new start to the next.
    fn is_between(&self, from: SystemTime, to: SystemTime) -> bool {
        let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(self.2), u32::try_from(self.3)) else { return false };
        let at = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        (from..=to).contains(&at)
    }
}

/// When systemd copied the credentials of this process, which is before it started: a file that is written in between is not
/// what was passed. Where there are none, `now`.
pub(crate) fn passed_at(now: SystemTime) -> SystemTime {
    std::env::var_os("CREDENTIALS_DIRECTORY").map_or(now, |directory| copied_at(Path::new(&directory), now))
}

/// When the first of these files was written, by the coarse clock of file systems.
fn copied_at(directory: &Path, now: SystemTime) -> SystemTime {
    const CLOCK_TICK: Duration = Duration::from_millis(20);
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let copied = entries.filter_map(|entry| entry.metadata().ok()?.modified().ok()).min();
    copied.and_then(|copied| copied.checked_sub(CLOCK_TICK)).map_or(now, |copied| copied.min(now))
}

impl OwnCredentials {
    /// Of an agent that was passed its credentials then.
    pub(crate) const fn of_agent_started_at(started_at: SystemTime) -> Self {
        Self { started_at, own: None }
    }

    /// Whether systemd would now pass others. `expected` is what the unit names, `None` where the unit is gone.
    pub(crate) fn is_outdated(&mut self, expected: Option<Vec<Credential>>) -> bool {
        let Some(expected) = expected else { return false };
        let started_at = self.started_at;
        let passed = |credential: &Credential| {
            let written = Written::of(&credential.1);
            let passed = written.filter(|written| !written.is_between(started_at, SystemTime::now()));
            (credential.clone(), passed)
        };
        let own = self.own.get_or_insert_with(|| expected.iter().map(passed).collect());
        !own.iter().map(|(credential, _)| credential).eq(&expected)
    }

    /// Whether one of their files was written anew since. One that is gone is not: no service starts without it.
    pub(crate) fn are_renewed(&self) -> bool {
        let is_renewed = |((_, file), then): &(Credential, Option<Written>)| {
            let now = Written::of(file);
            now.is_some() && now != *then
        };
        self.own.iter().flatten().any(is_renewed)
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
        let mut own = OwnCredentials::of_agent_started_at(SystemTime::now());
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
        let mut without = OwnCredentials::of_agent_started_at(SystemTime::now());
        assert!(!without.is_outdated(Some(Vec::new())) && without.is_outdated(named("/run/secrets/one")));
    }

    #[test]
    fn files_that_are_written_anew_are_renewed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let write = |name: &str, content: &str| {
            // As agenix and sops-nix do it: a directory of its own for each time, and a link to it.
            let generation = at(name);
            std::fs::create_dir(&generation).unwrap();
            std::fs::write(generation.join("token"), content).unwrap();
            let _ = std::fs::remove_file(at("secrets"));
            std::os::unix::fs::symlink(&generation, at("secrets")).unwrap();
        };
        // Some milliseconds later than the clock of a file system.
        let later = || OwnCredentials::of_agent_started_at(SystemTime::now() + Duration::from_secs(1));
        write("1", "old");
        let expected = vec![("token".to_owned(), at("secrets/token").display().to_string())];
        let mut own = later();
        assert!(!own.are_renewed(), "nothing is known yet");
        assert!(!own.is_outdated(Some(expected.clone())) && !own.are_renewed());
        write("2", "new");
        assert!(!own.is_outdated(Some(expected.clone())) && own.are_renewed(), "the link leads elsewhere");
        std::fs::remove_file(at("secrets")).unwrap();
        assert!(!own.are_renewed(), "it is gone");

        let mut without = later();
        assert!(!without.is_outdated(Some(expected.clone())) && !without.are_renewed());
        write("3", "new");
        assert!(without.are_renewed(), "it is there now");
        let mut own = later();
        assert!(!own.is_outdated(Some(expected.clone())) && !own.are_renewed());
        // The clock of a file system may stand still for some milliseconds.
        let before = Written::of(at("secrets/token").to_str().unwrap());
        while Written::of(at("secrets/token").to_str().unwrap()) == before {
            std::fs::write(at("secrets/token"), "as long").unwrap();
        }
        assert!(own.are_renewed(), "written in place");
        let hour = Duration::from_hours(1);
        let mut early = OwnCredentials::of_agent_started_at(SystemTime::now() - hour);
        assert!(!early.is_outdated(Some(expected)) && early.are_renewed(), "written before the first look");
        let Written(device, inode, ..) = before.unwrap();
        let at = Written(device, inode, 7_200, 0);
        for (from, to, expected) in [(1, 3, true), (2, 2, true), (3, 4, false), (0, 1, false)] {
            let [from, to] = [from, to].map(|hours| SystemTime::UNIX_EPOCH + hour * hours);
            assert_eq!(at.is_between(from, to), expected, "{from:?}");
        }
    }

    #[test]
    fn a_file_that_is_written_after_it_was_copied_and_before_the_agent_starts_is_renewed() {
        let directory = tempfile::tempdir().unwrap();
        let (copies, file) = (directory.path().join("copies"), directory.path().join("token"));
        std::fs::create_dir(&copies).unwrap();
        let now = SystemTime::now();
        assert_eq!(copied_at(&copies, now), now, "none was passed");
        assert_eq!(copied_at(&directory.path().join("none"), now), now);
        std::fs::write(copies.join("token"), "old").unwrap();
        std::fs::write(&file, "new").unwrap();
        // It starts a second later.
        let started = SystemTime::now() + Duration::from_secs(1);
        let mut own = OwnCredentials::of_agent_started_at(copied_at(&copies, started));
        let expected = vec![("token".to_owned(), file.display().to_string())];
        assert!(!own.is_outdated(Some(expected)) && own.are_renewed());
    }

    #[test]
    fn a_wrapper_is_of_the_same_package() {
        let of = |path: &str| package(Path::new(path));
        assert_eq!(of("/nix/store/abc-nixfleet/bin/nixfleet-agent"), of("/nix/store/abc-nixfleet/bin/.wrapped"));
        assert_ne!(of("/nix/store/abc-nixfleet/bin/nixfleet-agent"), of("/nix/store/def-nixfleet/bin/nixfleet-agent"));
        assert_eq!(of("/usr/bin/nixfleet-agent"), Path::new("/usr/bin/nixfleet-agent"));
    }
}

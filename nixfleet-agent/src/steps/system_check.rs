//! Whether root may run `switch-to-configuration` of a path that somebody else named: whoever builds writes the journal, and
//! is not root.

use std::path::{Component, Path, PathBuf};

use nixfleet_core::Revision;
use nixfleet_core::observation::Phase;
use nixfleet_core::system::{GenerationDetails, ProfileName, SystemRoot};

use super::activation::root_command;
use super::error::StepError;
use super::kept_systems::{KeptSystems, Role};
use super::run::running_system;

const STORE: &str = "/nix/store";

/// What a NixOS system has, beside the program; `nixos-rebuild` asks for it, too.
const VERSION_FILE: &str = "nixos-version";

/// Refuses what is no NixOS system in the store, by its looks only.
pub(super) fn check_shape(store_path: &Path) -> Result<(), StepError> {
    program_in(Path::new(STORE), store_path).map(drop).map_err(|why| refused(store_path, &why))
}

/// Refuses what Nix does not know: a directory in the store is a part of it only where it is registered. Builds, and who
/// gets hold of their users, can put others there.
pub(super) fn check_registered(store_path: &Path) -> Result<(), StepError> {
    let program = program_in(Path::new(STORE), store_path).map_err(|why| refused(store_path, &why))?;
    let paths = [store_path.to_owned(), object_of(Path::new(STORE), &program)];
    let mut command = root_command("nix-store");
    command.args(["--check-validity", "--print-invalid"]).args(&paths).stdin(std::process::Stdio::null());
    let output = command.output().map_err(|error| {
        StepError::new(Phase::Activation, format!("cannot run nix-store: {error}; is it in the unit's path?"))
    })?;
    let invalid = String::from_utf8_lossy(&output.stdout);
    if !invalid.trim().is_empty() {
        return Err(refused(store_path, "is not known to Nix (`nix-store --check-validity`)"));
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Err(refused(store_path, &format!("cannot be checked with nix-store ({})", said.trim())));
    }
    Ok(())
}

/// Refuses a system that says itself that it is another commit's. One that says nothing is taken.
pub(super) fn check_revision(store_path: &Path, expected: Option<&Revision>) -> Result<(), StepError> {
    let own = SystemRoot::default().configuration_revision(store_path);
    other_revision(own.as_ref(), expected).map_or(Ok(()), |why| Err(refused(store_path, &why)))
}

fn other_revision(own: Option<&Revision>, expected: Option<&Revision>) -> Option<String> {
    let (own, expected) = (own?, expected?);
    (own != expected).then(|| {
        format!(
            "says that it is of the commit {}, and {} was to be deployed (system.configurationRevision is the flake's self.rev, \
             or null)",
            own.short(),
            expected.short()
        )
    })
}

/// Refuses to go back to a system that only the journal names. Nix is not asked: it may be what is broken.
pub(super) fn check_was_here(store_path: &Path, kept: &KeptSystems) -> Result<(), StepError> {
    let booted = std::fs::read_link("/run/booted-system").ok();
    let here = [kept.kept(Role::Before), running_system(), booted];
    let is_generation = || {
        let generations = SystemRoot::default().generations(&ProfileName::System, GenerationDetails::LinksOnly);
        generations.is_ok_and(|all| all.iter().any(|generation| generation.store_path == store_path))
    };
    if here.iter().flatten().any(|path| path == store_path) || is_generation() {
        return Ok(());
    }
    Err(refused(store_path, "never ran on this host, as far as root knows"))
}

fn refused(store_path: &Path, why: &str) -> StepError {
    StepError::new(Phase::Activation, format!("{} {why}: nothing was changed", store_path.display()))
}

/// The program that root would run, without links; or what is wrong.
fn program_in(store: &Path, store_path: &Path) -> Result<PathBuf, String> {
    let is_child = store_path.parent() == Some(store)
        && matches!(store_path.components().next_back(), Some(Component::Normal(_)))
        && !store_path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if !is_child {
        return Err("is not a path in the store".to_owned());
    }
    if !store_path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err("is not there, or no directory".to_owned());
    }
    let no_system = |file: &str| format!("has no {file}, so it is no NixOS system");
    if !store_path.join(VERSION_FILE).is_file() {
        return Err(no_system(VERSION_FILE));
    }
    let name = "bin/switch-to-configuration";
    let program = store_path.join(name).canonicalize().map_err(|_| no_system(name))?;
    if !program.is_file() {
        return Err(no_system(name));
    }
    if !program.starts_with(store) || object_of(store, &program) == program {
        return Err(format!("has a {name} that lies outside of the store, at {}", program.display()));
    }
    Ok(program)
}

/// The path in the store that this one lies in.
fn object_of(store: &Path, path: &Path) -> PathBuf {
    let name = path.strip_prefix(store).ok().and_then(|rest| rest.components().next());
    name.map_or_else(|| path.to_owned(), |name| store.join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn root_runs_nothing_from_outside_the_store() {
        for path in [
            "",
            "/",
            "result",
            "/tmp/evil",
            "/nix/store",
            "/nix/store/",
            "/nix/store/..",
            "/nix/store/../../tmp/evil",
            "/nix/store/a/b",
            "/nix/store/a/",
            "/nix/storehouse/a",
            "nix/store/a",
        ] {
            let sentence = check_shape(Path::new(path)).unwrap_err().sentence;
            assert!(sentence.contains("is not a path in the store"), "{path}: {sentence}");
        }
        let sentence = check_shape(Path::new("/nix/store/not-there")).unwrap_err().sentence;
        assert!(sentence.contains("is not there") && sentence.ends_with("nothing was changed"), "{sentence}");
    }

    #[test]
    fn only_what_looks_like_a_system_of_nixos_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let store = top.join("store");
        let write = |path: &str| {
            let path = top.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        let link = |target: &str, path: &str| {
            std::fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
            symlink(top.join(target), top.join(path)).unwrap();
        };
        for system in ["good", "linked", "no-program", "outside", "in-the-store-itself", "directory"] {
            write(&format!("store/{system}/nixos-version"));
        }
        write("store/good/bin/switch-to-configuration");
        write("store/no-version/bin/switch-to-configuration");
        link("store/good/bin/switch-to-configuration", "store/linked/bin/switch-to-configuration");
        write("evil");
        link("evil", "store/outside/bin/switch-to-configuration");
        write("store/loose");
        link("store/loose", "store/in-the-store-itself/bin/switch-to-configuration");
        std::fs::create_dir_all(store.join("directory/bin/switch-to-configuration")).unwrap();
        link("store/good", "store/link");
        for (name, problem) in [
            ("good", None),
            ("linked", None),
            ("no-version", Some("has no nixos-version")),
            ("no-program", Some("has no bin/switch-to-configuration")),
            ("directory", Some("has no bin/switch-to-configuration")),
            ("outside", Some("lies outside of the store")),
            ("in-the-store-itself", Some("lies outside of the store")),
            ("link", Some("is not there, or no directory")),
            ("loose", Some("is not there, or no directory")),
        ] {
            match (program_in(&store, &store.join(name)), problem) {
                (Ok(program), None) => assert_eq!(object_of(&store, &program), store.join("good"), "{name}"),
                (Err(why), Some(problem)) => assert!(why.contains(problem), "{name}: {why}"),
                (result, _) => panic!("{name}: {result:?}"),
            }
        }
    }

    #[test]
    fn a_system_of_another_commit_is_not_the_one_that_was_asked_for() {
        let revision = |digit: &str| Revision::try_from(digit.repeat(40)).unwrap();
        let (a, b) = (revision("a"), revision("b"));
        for (own, expected, taken) in [
            (Some(&a), Some(&a), true),
            (Some(&a), Some(&b), false),
            // What does not say it cannot be checked.
            (None, Some(&a), true),
            (Some(&a), None, true),
            (None, None, true),
        ] {
            assert_eq!(other_revision(own, expected).is_none(), taken, "{own:?} {expected:?}");
        }
    }
}

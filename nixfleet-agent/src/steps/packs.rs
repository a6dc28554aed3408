//! Each fetch leaves a pack of its own, and libgit2 never puts them together: after a year they are thousands, which every
//! look and every build has to open. Git itself does it, where there are more than `gc.autoPackLimit` (50).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::child;

/// A configuration repository takes a second. A pull has 15 minutes in all.
const LIMIT: Duration = Duration::from_mins(5);

/// Puts the packs of this repository together where there are many. A failure is said, and is none of the pull's: what was
/// pulled is there.
pub(super) fn put_together(git_directory: &Path) {
    if !git_directory.exists() {
        return;
    }
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(git_directory);
    // In the background it would be ended with the unit.
    command.args(["-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false", "gc", "--auto", "--quiet"]);
    // What whoever started this has set of Git is about another repository.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
        command.env_remove(variable);
    }
    let why = match child::run_within(&mut command, LIMIT) {
        Ok(Some(exit)) if exit.succeeded() => return,
        Ok(Some(exit)) => exit.reason().into_owned(),
        Ok(None) => format!("it took longer than {} minutes", LIMIT.as_secs() / 60),
        Err(error) => format!("git cannot be started: {error}"),
    };
    let path = git_directory.display();
    eprintln!("the packs of {path} could not be put together ({why}): the next pull tries again; see `git gc`");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "gc.auto=0"]);
        let output = command.args(arguments).current_dir(directory).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn packs(git_directory: &Path) -> usize {
        let files = std::fs::read_dir(git_directory.join("objects/pack")).unwrap();
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "pack")).count()
    }

    #[test]
    fn many_packs_become_one() {
        let directory = tempfile::tempdir().unwrap();
        let (path, git_directory) = (directory.path(), directory.path().join(".git"));
        git(path, &["init", "--quiet", "--initial-branch=main"]);
        let add = |number: u32| {
            git(path, &["commit", "--quiet", "--allow-empty", "--message", &number.to_string()]);
            git(path, &["repack", "--quiet", "-d"]);
        };
        (0..10).for_each(add);
        put_together(&git_directory);
        assert_eq!(packs(&git_directory), 10, "few are left alone");
        (10..60).for_each(add);
        let tip = git(path, &["rev-parse", "HEAD"]);
        put_together(&git_directory);
        assert_eq!(packs(&git_directory), 1);
        assert_eq!(
            (git(path, &["rev-parse", "HEAD"]), git(path, &["rev-list", "--count", "HEAD"])),
            (tip, "60\n".into())
        );
        git(path, &["fsck", "--strict"]);
    }

    #[test]
    fn nothing_becomes_of_what_is_none() {
        let directory = tempfile::tempdir().unwrap();
        put_together(&directory.path().join("missing"));
        put_together(directory.path());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

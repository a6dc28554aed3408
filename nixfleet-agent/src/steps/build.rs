//! Build: evaluate and build the checkout's commit, as a user without rights.

use std::path::{Path, PathBuf};
use std::process::Command;

use nixfleet_core::Revision;
use nixfleet_core::git;
use nixfleet_core::observation::{Operation, Phase, Reading};

use super::child::{self, Exit};
use super::context::Context;
use super::error::StepError;
use super::run::Run;

pub(super) fn build(context: &Context) -> Result<(), StepError> {
    let run = Run::new(context, Operation::Switch);
    let in_evaluation = StepError::in_phase(Phase::Evaluation);
    let path = context.repository();
    let head = head(&path);
    run.started(head.as_ref().ok().cloned(), None).map_err(&in_evaluation)?;
    context.check_user().map_err(StepError::in_phase(Phase::Evaluation))?;
    context.state.share();
    let head = head.map_err(|sentence| StepError::new(Phase::Evaluation, sentence))?;
    run.progress(Phase::Evaluation, Some(head.clone()), None).map_err(StepError::in_phase(Phase::Evaluation))?;

    let directory = context.state.path.join("build");
    std::fs::create_dir_all(&directory).map_err(|error| {
        StepError::new(Phase::Build, format!("cannot make {}: {error}; check its permissions", directory.display()))
    })?;
    let flake = flake_reference(&path, &head, &context.config.host_name())?;
    let result = directory.join("result");
    forget(&result)?;
    eprintln!("building {flake}");
    let mut command = Command::new("nixos-rebuild");
    // The link `result` in this directory keeps the system from being collected as garbage before it is activated.
    command.args(["build", "--flake", &flake]).current_dir(&directory);
    let exit = child::run(&mut command).map_err(|error| {
        StepError::new(Phase::Evaluation, format!("cannot run nixos-rebuild: {error}; is it in the unit's path?"))
    })?;
    if !exit.succeeded() {
        let phase = phase_of_failure(&exit);
        return Err(StepError::new(phase, exit.reason()).exit_code(exit.code));
    }
    let store_path = std::fs::read_link(&result).map_err(|error| {
        StepError::new(Phase::Build, format!("nixos-rebuild left no link to what it built: {error}"))
    })?;
    eprintln!("built {}", store_path.display());
    run.progress(Phase::Build, Some(head), Some(store_path)).map_err(StepError::in_phase(Phase::Build))
}

/// Removes the link of an earlier build: a build that left none must not pass for one that built what it points to.
fn forget(result: &Path) -> Result<(), StepError> {
    match std::fs::remove_file(result) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StepError::new(
            Phase::Build,
            format!("cannot remove {} of an earlier build: {error}; remove it by hand", result.display()),
        )),
        _ => Ok(()),
    }
}

/// The commit to build, or why there is none.
fn head(path: &Path) -> Result<Revision, String> {
    match git::observe_repository(path) {
        Reading::Present(repository) => {
            repository.head.ok_or_else(|| format!("{} has no commit yet: pull first", path.display()))
        }
        Reading::Unreadable(sentence) => Err(sentence),
        Reading::Absent | Reading::NotObserved => {
            Err(format!("there is no repository at {} yet: pull first", path.display()))
        }
    }
}

/// The commit itself, not the work tree: what is built is what was reviewed, and it knows its revision.
fn flake_reference(path: &Path, head: &Revision, host: &str) -> Result<String, StepError> {
    let path: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = path.to_str().filter(|path| path.chars().all(is_plain)).ok_or_else(|| {
        let sentence = format!(
            "the repository's path {} has characters that a flake reference cannot have: use letters, digits and . _ - only",
            path.display()
        );
        StepError::new(Phase::Evaluation, sentence)
    })?;
    Ok(format!("git+file://{path}?rev={head}#{host}"))
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "/._-+@".contains(character)
}

/// Nix does one after the other and says only in words which of the two failed.
fn phase_of_failure(exit: &Exit) -> Phase {
    let build_failed = ["builder for '", "build of '", "dependencies of derivation", "No space left on device"]
        .into_iter()
        .any(|words| exit.says(words));
    if build_failed { Phase::Build } else { Phase::Evaluation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_build_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let result = directory.path().join("result");
        forget(&result).unwrap();
        std::os::unix::fs::symlink("/nix/store/of-an-earlier-commit", &result).unwrap();
        forget(&result).unwrap();
        assert!(result.symlink_metadata().is_err());
        std::fs::create_dir(&result).unwrap();
        assert!(forget(&result).unwrap_err().sentence.contains("remove it by hand"));
    }
}

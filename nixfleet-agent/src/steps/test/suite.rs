//! The tests of the commit that runs, in a place where nobody but the step may change them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nixfleet_core::Revision;
use nixfleet_core::git::{self, WriteOutBounds, WrittenOut};
use nixfleet_core::observe::{TestsCommit, TestsCommitReason};

use super::account::Account;
use crate::steps::context::Context;

/// The tests of one commit, with the files of the commit around them. They are removed when it is dropped.
pub(super) struct Suite {
    /// Which commit, and why that one.
    pub(super) commit: TestsCommit,
    /// The tests, in the order in which they are run.
    pub(super) tests: Vec<PathBuf>,
    place: PathBuf,
}

impl Suite {
    /// Writes out the commit that the tests are of. The error is a sentence.
    pub(super) fn write_out(context: &Context, running: Option<&Revision>, account: &Account) -> Result<Self, String> {
        let (checkout, directory) = (context.repository(), context.config.tests_directory());
        let commit = find(context, &checkout, running)?;
        if commit.why != TestsCommitReason::Runs && account.decides_what_root_runs() {
            return Err(format!(
                "the tests would be of {commit}, and they would run as {} (tests.user), which is for tests of the commit that \
                 runs only: switch first, or name another user",
                account.name
            ));
        }
        let names = commit.files.executables(&directory).map_err(|error| error.to_string())?.ok_or_else(|| {
            format!("{commit}, has no directory {}: put the tests there, or set tests.directory", directory.display())
        })?;
        let place = context.state.test_run_path();
        // A run that was killed left it.
        remove(&place);
        let suite = Self { tests: paths(&place, &directory, names), commit, place };
        let written = suite.commit.files.write_out(&suite.place, &directory, WriteOutBounds::default());
        if let WrittenOut::Only(part) = written.map_err(|error| error.to_string())? {
            eprintln!("the commit is large: the tests have only its directory {} around them", part.display());
        }
        Ok(suite)
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        remove(&self.place);
    }
}

/// Removes what a run wrote out, where it is still there.
pub(in crate::steps) fn remove(place: &Path) {
    match std::fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            eprintln!("cannot remove {}: {error}", place.display());
        }
        _ => {}
    }
}

fn find(context: &Context, checkout: &Path, running: Option<&Revision>) -> Result<TestsCommit, String> {
    if context.config.repository.foreign_user().is_some() {
        // Only read, and never through its configuration.
        git::allow_foreign_owner();
    }
    let found = |head: Option<&Revision>| TestsCommit::find(checkout, running, head).map_err(|error| error.to_string());
    if let Some(commit) = found(None)? {
        return Ok(commit);
    }
    let repository = git::observe_repository(checkout);
    if let Some(sentence) = repository.error() {
        return Err(sentence.to_owned());
    }
    let head = repository.present().and_then(|repository| repository.head.as_ref());
    found(head)?.ok_or_else(|| format!("there is no commit in {}: pull first", checkout.display()))
}

fn paths(place: &Path, directory: &Path, names: Vec<OsString>) -> Vec<PathBuf> {
    names.into_iter().map(|name| place.join(directory).join(name)).collect()
}

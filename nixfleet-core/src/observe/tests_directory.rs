//! The host's tests: which commit they are of, and whether there are any.

use std::fmt;
use std::path::Path;

use crate::Revision;
use crate::git::{CommittedFiles, RepositoryError};
use crate::observation::TestsSetup;

/// The commit that the tests of a host are of.
///
/// That is the commit that runs: somebody has deployed it. What was only pulled, and what lies in the checkout without being
/// committed, is not run. Where that commit is not known, or not in the checkout, it is the checkout's HEAD.
#[derive(Debug)]
pub struct TestsCommit {
    /// Its files.
    pub files: CommittedFiles,
    /// Why it is this one.
    pub why: TestsCommitReason,
}

/// Why the tests are of this commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestsCommitReason {
    /// The running system was built from it.
    Runs,
    /// It is HEAD, because the running system does not say what it was built from: a first start, or a work tree with changes.
    RunningUnknown,
    /// It is HEAD, because the checkout does not have the commit that runs, which is this one.
    RunningMissing(Revision),
}

impl TestsCommit {
    /// Looks for the commit in the checkout; none where there is not even a HEAD.
    pub fn find(
        checkout: &Path,
        running: Option<&Revision>,
        head: Option<&Revision>,
    ) -> Result<Option<Self>, RepositoryError> {
        let of = |revision: Option<&Revision>| {
            revision.map_or(Ok(None), |revision| CommittedFiles::open(checkout, revision))
        };
        if let Some(files) = of(running)? {
            return Ok(Some(Self { files, why: TestsCommitReason::Runs }));
        }
        let why = running
            .map_or(TestsCommitReason::RunningUnknown, |revision| TestsCommitReason::RunningMissing(revision.clone()));
        Ok(of(head)?.map(|files| Self { files, why }))
    }
}

/// Names the commit and says why it is that one.
impl fmt::Display for TestsCommit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.files.revision().short();
        match &self.why {
            TestsCommitReason::Runs => write!(formatter, "{revision}, the commit that runs"),
            TestsCommitReason::RunningUnknown => {
                write!(formatter, "the checkout's HEAD {revision}, because the running system does not say its commit")
            }
            TestsCommitReason::RunningMissing(running) => write!(
                formatter,
                "the checkout's HEAD {revision}, because the checkout does not have {}, the commit that runs",
                running.short()
            ),
        }
    }
}

/// Counts the tests in `directory` of the commit that they are of. No directory, no tests.
pub(super) fn look_for_tests(
    checkout: &Path,
    running: Option<&Revision>,
    head: Option<&Revision>,
    directory: &Path,
) -> TestsSetup {
    let executables = TestsCommit::find(checkout, running, head)
        .and_then(|commit| commit.map_or(Ok(None), |commit| commit.files.executables(directory)));
    match executables {
        Ok(executables) => match executables.map_or(0, |executables| executables.len()) {
            0 => TestsSetup::NoneFound,
            count => TestsSetup::Found(u32::try_from(count).unwrap_or(u32::MAX)),
        },
        Err(error) => {
            tracing::warn!(%error, "the tests of this host are not found");
            TestsSetup::NoneFound
        }
    }
}

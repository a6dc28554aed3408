//! Where the files lie.

use std::path::{Path, PathBuf};

use super::agent_file::AgentFile;
use super::atomic_file::Durability;
use super::pull_request_file::PullRequestFile;
use super::whole_file::WholeFile;
use super::{AuditLog, Journal, StateError, TestRunRecord, full_disk, lock_file, shared_directory};
use crate::observation::{AgentHeartbeat, PullRequestAttempt, PullRequestStatus, RemoteAttempt, RemoteCommit};

/// What survives a restart of the machine; by default `/var/lib/nixfleet`.
///
/// It belongs to the user that nixfleet runs as. What root writes there is given to that user. Where its group may write in
/// it, which is so where the checkout belongs to another user, all files are for the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDirectory {
    /// The directory.
    pub path: PathBuf,
}

impl Default for StateDirectory {
    fn default() -> Self {
        Self::new("/var/lib/nixfleet")
    }
}

impl StateDirectory {
    /// The state in this directory, which systemd or an administrator creates.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The checkout, where the configuration names no other one.
    #[must_use]
    pub fn repository_path(&self) -> PathBuf {
        self.path.join("repo")
    }

    /// The bare repository of objects fetched from the remote.
    #[must_use]
    pub fn remote_repository_path(&self) -> PathBuf {
        self.path.join("remote.git")
    }

    /// The files of the commit that the tests are of, while they run.
    #[must_use]
    pub fn test_run_path(&self) -> PathBuf {
        self.path.join("test-run")
    }

    /// Where those of the directory's group write, too: lets them write what this user made before that was so, and what this
    /// process makes from now on. Does nothing elsewhere, nor as root, whose files are not all meant for them.
    pub fn share(&self) {
        if !rustix::process::geteuid().is_root() {
            shared_directory::share(&self.path);
        }
    }

    /// Why nothing can be written here, in one sentence, where its disk is full.
    #[must_use]
    pub fn full_disk(&self) -> Option<String> {
        full_disk::full_disk(&self.path)
    }

    /// The last good answer of the remote.
    pub fn read_remote(&self) -> Result<Option<RemoteCommit>, StateError> {
        self.remote_file().read()
    }

    /// Records a good answer of the remote.
    pub fn write_remote(&self, commit: &RemoteCommit) -> Result<(), StateError> {
        self.remote_file().write(commit)
    }

    /// Records a good answer of the remote where it is news beside the one that is recorded by then. The pull and the agent's
    /// look may do so at once. A record that cannot be read counts as none.
    pub fn write_remote_if(
        &self,
        commit: &RemoteCommit,
        is_news: impl FnOnce(Option<&RemoteCommit>) -> bool,
    ) -> Result<(), StateError> {
        let file = self.remote_file();
        // Where the lock is not to be had, an older answer is better than none.
        let lock = lock_file::lock(&self.path.join("remote.lock"), &file.path);
        if is_news(file.read().ok().flatten().as_ref()) {
            file.write(commit)?;
        }
        drop(lock);
        Ok(())
    }

    /// What is known of pull requests.
    pub fn read_pull_requests(&self) -> Result<Option<PullRequestStatus>, StateError> {
        Ok(self.pull_request_file().read::<PullRequestFile>()?.map(PullRequestStatus::from))
    }

    /// Records what is known of pull requests.
    pub fn write_pull_requests(&self, status: &PullRequestStatus) -> Result<(), StateError> {
        self.pull_request_file().write(&PullRequestFile::from(status))
    }

    /// The last test run, test by test.
    pub fn read_tests(&self) -> Result<Option<TestRunRecord>, StateError> {
        self.tests_file().read()
    }

    /// Records a test run.
    pub fn write_tests(&self, run: &TestRunRecord) -> Result<(), StateError> {
        self.tests_file().write(run)
    }

    /// What operations did.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::in_directory(&self.path)
    }

    /// Who asked for what.
    #[must_use]
    pub fn audit(&self) -> AuditLog {
        AuditLog::in_directory(&self.path)
    }

    fn remote_file(&self) -> WholeFile {
        self.whole_file("remote.json", "the agent writes it anew at its next check")
    }

    fn pull_request_file(&self) -> WholeFile {
        self.whole_file("pull-request.json", "the agent writes it anew at its next check")
    }

    fn tests_file(&self) -> WholeFile {
        self.whole_file("tests.json", "the next test run writes it anew")
    }

    fn whole_file(&self, name: &str, remedy: &'static str) -> WholeFile {
        WholeFile { path: self.path.join(name), remedy, durability: Durability::PowerLoss }
    }
}

/// What matters only until the machine's next start, kept in memory; by default `/run/nixfleet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeDirectory {
    /// The directory.
    pub path: PathBuf,
}

impl Default for RuntimeDirectory {
    fn default() -> Self {
        Self::new("/run/nixfleet")
    }
}

impl RuntimeDirectory {
    /// The state in this directory, which systemd or an administrator creates.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The agent's last sign of life.
    pub fn read_agent(&self) -> Result<Option<AgentHeartbeat>, StateError> {
        Ok(self.agent_file().read::<AgentFile>()?.map(AgentHeartbeat::from))
    }

    /// Records a sign of life of the agent.
    pub fn write_agent(&self, heartbeat: &AgentHeartbeat) -> Result<(), StateError> {
        self.agent_file().write(&AgentFile::from(heartbeat))
    }

    /// The last attempt to read the remote.
    pub fn read_remote_attempt(&self) -> Result<Option<RemoteAttempt>, StateError> {
        self.remote_attempt_file().read()
    }

    /// Records an attempt to read the remote.
    pub fn write_remote_attempt(&self, attempt: &RemoteAttempt) -> Result<(), StateError> {
        self.remote_attempt_file().write(attempt)
    }

    /// Records the attempt that follows the one recorded last, and returns it. The pull and the agent's look may do so at
    /// once: none is lost. A record that cannot be read counts as none.
    pub fn add_remote_attempt(
        &self,
        next: impl FnOnce(Option<&RemoteAttempt>) -> RemoteAttempt,
    ) -> Result<RemoteAttempt, StateError> {
        let file = self.remote_attempt_file();
        // Where the lock is not to be had, a lost count is better than a lost answer.
        let lock = lock_file::lock(&self.path.join("remote-attempt.lock"), &file.path);
        let attempt = next(file.read().ok().flatten().as_ref());
        file.write(&attempt)?;
        drop(lock);
        Ok(attempt)
    }

    /// The last attempt to ask the forge for pull requests.
    pub fn read_pull_request_attempt(&self) -> Result<Option<PullRequestAttempt>, StateError> {
        self.pull_request_attempt_file().read()
    }

    /// Records an attempt to ask the forge for pull requests.
    pub fn write_pull_request_attempt(&self, attempt: &PullRequestAttempt) -> Result<(), StateError> {
        self.pull_request_attempt_file().write(attempt)
    }

    fn agent_file(&self) -> WholeFile {
        in_memory(&self.path, "agent.json", "the agent writes it anew at its next sign of life")
    }

    fn remote_attempt_file(&self) -> WholeFile {
        in_memory(&self.path, "remote-attempt.json", "the agent writes it anew at its next check")
    }

    fn pull_request_attempt_file(&self) -> WholeFile {
        in_memory(&self.path, "pull-request-attempt.json", "the agent writes it anew at its next check")
    }
}

fn in_memory(directory: &Path, name: &str, remedy: &'static str) -> WholeFile {
    WholeFile { path: directory.join(name), remedy, durability: Durability::WriterOnly }
}

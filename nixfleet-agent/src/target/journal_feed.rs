//! The journal of operations as it goes on. That of another host is copied line by line as it comes, and read like this
//! host's own: the same reader judges torn lines and lines of other versions.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use nixfleet_core::state_directory::{JournalEntry, StateDirectory, StateError};

use super::JOURNAL_FILE;
use crate::daemon::evidence::JournalStamp;
use crate::ssh::SshArguments;

/// A journal that is looked at again and again.
#[derive(Debug)]
pub(crate) struct JournalFeed {
    state: StateDirectory,
    /// Copies from another host.
    copier: Option<Child>,
}

impl JournalFeed {
    pub(super) fn of_this_host(state_directory: &Path) -> Self {
        Self { state: StateDirectory::new(state_directory), copier: None }
    }

    /// Copies this file of another host into a directory here. A journal that was shortened meanwhile is copied anew behind
    /// what is there: entries then come twice, which changes nothing of what a run tells.
    pub(super) fn over(ssh: &SshArguments, journal: &Path, directory: &Path) -> io::Result<Self> {
        write_copy(directory, &[])?;
        let copy = File::options().append(true).open(directory.join(JOURNAL_FILE))?;
        let tail = ["tail", "--follow=name", "--retry", "--lines=+1", "--", &journal.to_string_lossy()];
        let mut command = ssh.command(&tail);
        let copier = command.stdout(copy).stderr(Stdio::null()).process_group(0).spawn()?;
        Ok(Self { state: StateDirectory::new(directory), copier: Some(copier) })
    }

    /// Changes when the journal does.
    pub(crate) fn stamp(&self) -> Option<JournalStamp> {
        JournalStamp::of(&self.state)
    }

    pub(crate) fn entries(&self) -> Result<Vec<JournalEntry>, StateError> {
        Ok(self.state.journal().read()?.entries)
    }
}

impl Drop for JournalFeed {
    fn drop(&mut self) {
        if let Some(copier) = &mut self.copier {
            // It may have ended with its connection.
            let _ = copier.kill();
            let _ = copier.wait();
        }
    }
}

/// Makes a state directory with this journal in it.
pub(super) fn write_copy(directory: &Path, journal: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    std::fs::write(directory.join(JOURNAL_FILE), journal)
}

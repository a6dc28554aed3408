//! One connection to a host, for everything that is asked of it.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::arguments::CONNECT_TIMEOUT_SECONDS;
use super::failure::sentence;
use super::{SshArguments, SshDestination, SshError};

const POLL: Duration = Duration::from_millis(20);
/// ssh's own limit is for the connection; a server that then says nothing more is given up after this.
const CONNECT_LIMIT: Duration = Duration::from_secs(CONNECT_TIMEOUT_SECONDS + 20);
const END_LIMIT: Duration = Duration::from_secs(1);
/// Below a socket's name ssh puts 17 characters, and the kernel takes 107.
const SOCKET_BYTES_MAXIMUM: usize = 85;

/// What a program on the other side left.
#[derive(Debug)]
pub(crate) struct SshOutput {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// A connection; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct SshConnection {
    destination: SshDestination,
    arguments: SshArguments,
    master: Child,
    /// For the socket of the connection and what goes with it; nobody else may enter it.
    directory: TempDir,
}

impl SshConnection {
    /// Connects, or says in a sentence why not. Never asks anybody anything.
    pub(crate) async fn open(destination: &SshDestination) -> Result<Self, SshError> {
        let failed = |source| SshError::Directory { host: destination.to_string(), source };
        let directory = private_directory().map_err(failed)?;
        let socket = directory.path().join("socket");
        let arguments = SshArguments::new(destination, &socket);
        let errors = File::create(error_file(directory.path())).map_err(failed)?;
        let mut command = arguments.master(directory.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(errors);
        // In a group of its own: Ctrl-C is for nixfleet, which may still have to say how things stand.
        let master = command.process_group(0).spawn().map_err(SshError::NoSsh)?;
        let mut connection = Self { destination: destination.clone(), arguments, master, directory };
        let begin = Instant::now();
        while !socket.exists() {
            let said = if connection.is_open() {
                if begin.elapsed() < CONNECT_LIMIT {
                    sleep(POLL).await;
                    continue;
                }
                format!("it does not let in within {} s; is it overloaded?", CONNECT_LIMIT.as_secs())
            } else {
                sentence(destination, &connection.errors())
            };
            return Err(SshError::Connect { host: destination.to_string(), said });
        }
        Ok(connection)
    }

    /// An error where the connection is there no more, as far as ssh has noticed.
    pub(crate) fn check(&mut self) -> Result<(), SshError> {
        if self.is_open() { Ok(()) } else { Err(self.lost()) }
    }

    fn is_open(&mut self) -> bool {
        matches!(self.master.try_wait(), Ok(None))
    }

    /// The error for a connection that is there no more.
    pub(crate) fn lost(&self) -> SshError {
        SshError::Lost { host: self.destination.to_string(), said: sentence(&self.destination, &self.errors()) }
    }

    pub(crate) const fn destination(&self) -> &SshDestination {
        &self.destination
    }

    pub(crate) const fn arguments(&self) -> &SshArguments {
        &self.arguments
    }

    /// A directory of this connection's own.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs a program there to its end. Dropped before, it is ended on this side.
    pub(crate) async fn output(&self, words: &[&str]) -> Result<SshOutput, SshError> {
        let mut command = tokio::process::Command::from(self.arguments.command(words));
        let output = command.process_group(0).kill_on_drop(true).output().await.map_err(SshError::NoSsh)?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let host = || self.destination.to_string();
        match output.status.code() {
            // 255 is ssh's own, with its reason; a signal to ssh leaves no code.
            Some(255) | None => Err(SshError::Lost { host: host(), said: sentence(&self.destination, &stderr) }),
            Some(127) => Err(SshError::NoProgram {
                host: host(),
                program: words.first().copied().unwrap_or_default().to_owned(),
                said: last_line(&stderr),
            }),
            Some(code) => Ok(SshOutput { code, stdout: output.stdout, stderr }),
        }
    }

    fn errors(&self) -> String {
        std::fs::read_to_string(error_file(self.directory.path())).unwrap_or_default()
    }
}

impl Drop for SshConnection {
    fn drop(&mut self) {
        // This ends it.
        drop(self.master.stdin.take());
        let begin = std::time::Instant::now();
        while self.is_open() && begin.elapsed() < END_LIMIT {
            std::thread::sleep(Duration::from_millis(2));
        }
        // It may have ended by now.
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}

impl SshOutput {
    /// The last thing that it said, for people.
    pub(crate) fn complaint(&self) -> String {
        match last_line(&self.stderr) {
            line if line.is_empty() => format!("exit code {}", self.code),
            line => line,
        }
    }
}

fn last_line(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned()).unwrap_or_default()
}

fn error_file(directory: &Path) -> PathBuf {
    directory.join("errors")
}

/// Mode 700, with a name that is short enough for a socket in it.
fn private_directory() -> std::io::Result<TempDir> {
    let wanted = std::env::temp_dir();
    let is_short = wanted.join("nixfleet-123456/socket").as_os_str().len() <= SOCKET_BYTES_MAXIMUM;
    let place = if is_short { wanted } else { PathBuf::from("/tmp") };
    tempfile::Builder::new().prefix("nixfleet-").tempdir_in(place)
}

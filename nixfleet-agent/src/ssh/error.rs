//! Why another host cannot be asked.

use std::io;

/// Why another host cannot be asked; shown to people as it is.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// There is no `ssh`.
    #[error("cannot run ssh: {0}; install OpenSSH's client")]
    NoSsh(#[source] io::Error),
    /// There is nowhere to keep the socket of the connection.
    #[error("cannot make a directory for the connection to {host}: {source}; check TMPDIR")]
    Directory {
        /// The host.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// The connection cannot be made.
    #[error("cannot connect to {host}: {said}")]
    Connect {
        /// The host.
        host: String,
        /// What is wrong and what to do.
        said: String,
    },
    /// The connection is there no more.
    #[error("the connection to {host} was lost: {said}")]
    Lost {
        /// The host.
        host: String,
        /// What is wrong and what to do.
        said: String,
    },
    /// A program there cannot be run.
    #[error("{host} has no {program} for this user ({said}); is nixfleet set up there? See docs/operations.md")]
    NoProgram {
        /// The host.
        host: String,
        /// Its name.
        program: String,
        /// What the shell said.
        said: String,
    },
    /// A program there did not do what it was asked.
    #[error("{host}: {program} failed: {said}")]
    Failed {
        /// The host.
        host: String,
        /// Its name.
        program: String,
        /// What it said.
        said: String,
    },
    /// What a program there answered makes no sense here.
    #[error("cannot read what {program} of {host} answers: {said}; has that host another version of nixfleet?")]
    Answer {
        /// The host.
        host: String,
        /// Its name.
        program: String,
        /// What is wrong with it.
        said: String,
    },
}

//! The host that a command is about: this one, or another one over ssh. What D-Bus cannot tell of it is read here.

mod journal_feed;
mod programs;

use std::path::Path;
use std::time::Duration;

use nixfleet_core::Revision;
use nixfleet_core::model::HostStatus;
use nixfleet_core::state_directory::{JournalEntry, StateDirectory, live_invocations};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

pub(crate) use journal_feed::JournalFeed;
pub(crate) use programs::Programs;

use crate::arguments::Places;
use crate::daemon::systemd::{Systemd, SystemdError};
use crate::operate::OperateError;
use crate::ssh::{SshConnection, SshDestination, SshError};
use crate::{CommandError, Outcome, status};

/// The name that the command has there.
const NIXFLEET: &str = "nixfleet";
const JOURNAL_FILE: &str = "journal.jsonl";
/// A connection that was lost is made anew within so long: a switch may set up the network anew.
const RECONNECT_WITHIN: Duration = Duration::from_secs(30);
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// A host, and where its files lie.
#[derive(Debug)]
pub(crate) struct Target {
    places: Places,
    /// Absent: it is this host.
    connection: Option<SshConnection>,
}

/// The generation that runs, as `nixfleet generations --json` has it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CurrentGeneration {
    pub(crate) number: u64,
    pub(crate) revision: Option<Revision>,
    is_current: bool,
}

impl Target {
    /// This host, or that one: then a connection is made.
    pub(crate) async fn reach(destination: Option<&SshDestination>, places: &Places) -> Result<Self, SshError> {
        let connection = match destination {
            Some(destination) => Some(SshConnection::open(destination).await?),
            None => None,
        };
        Ok(Self { places: places.clone(), connection })
    }

    /// `user@name` of another host.
    pub(crate) fn destination(&self) -> Option<&SshDestination> {
        self.connection.as_ref().map(SshConnection::destination)
    }

    /// How `nixfleet` is called for this host, for people.
    pub(crate) fn call(&self, command: &str) -> String {
        match self.destination() {
            Some(destination) => format!("nixfleet --host {destination} {command}"),
            None => format!("nixfleet {command}"),
        }
    }

    /// How `nixfleet` is called by somebody who may do more, for people.
    pub(crate) fn call_with_rights(&self, command: &str) -> String {
        match self.destination() {
            Some(destination) => format!("nixfleet --host {} {command}", destination.clone().with_user("root")),
            None => format!("sudo nixfleet {command}"),
        }
    }

    /// An error where the connection is there no more.
    pub(crate) fn check(&mut self) -> Result<(), SshError> {
        self.connection.as_mut().map_or(Ok(()), SshConnection::check)
    }

    /// Makes the connection anew, and tries so for a while; nothing to do for this host.
    pub(crate) async fn reconnect(&mut self) -> Result<(), SshError> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let begin = Instant::now();
        loop {
            match SshConnection::open(&connection.destination().clone()).await {
                Ok(opened) => {
                    *connection = opened;
                    return Ok(());
                }
                Err(_) if begin.elapsed() < RECONNECT_WITHIN => sleep(RECONNECT_PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Its five compartments now, also where the connection was lost since it was last used.
    pub(crate) async fn status_again(&mut self) -> Result<HostStatus, CommandError> {
        if self.check().is_ok() {
            match self.status().await {
                Err(CommandError::Ssh(SshError::Lost { .. })) => {}
                told => return told,
            }
        }
        self.reconnect().await?;
        self.status().await
    }

    /// Its systemd.
    pub(crate) async fn systemd(&self) -> Result<Systemd, SystemdError> {
        match &self.connection {
            Some(connection) => Systemd::connect_to(connection.arguments().bus_address()).await,
            None => Systemd::connect(None).await,
        }
    }

    /// How its programs are run.
    pub(crate) fn programs(&self) -> Programs {
        Programs::new(self.connection.as_ref().map(|connection| connection.arguments().clone()))
    }

    /// The journal of operations as it is now.
    pub(crate) async fn journal(&self) -> Result<Vec<JournalEntry>, OperateError> {
        let Some(connection) = &self.connection else {
            return Ok(StateDirectory::new(&self.places.state_directory).journal().read()?.entries);
        };
        let path = self.places.state_directory.join(JOURNAL_FILE);
        // In the C locale, for its words when there is none.
        let read = connection.output(&["env", "LC_ALL=C", "cat", "--", &path.to_string_lossy()]).await?;
        if read.code != 0 && !read.stderr.contains("No such file or directory") {
            return Err(failed(connection, "cat", read.complaint()).into());
        }
        let copy = connection.directory().join("read");
        journal_feed::write_copy(&copy, &read.stdout)
            .map_err(|source| SshError::Directory { host: connection.destination().to_string(), source })?;
        Ok(StateDirectory::new(&copy).journal().read()?.entries)
    }

    /// The journal of operations as it goes on.
    pub(crate) fn journal_feed(&self) -> Result<JournalFeed, OperateError> {
        let Some(connection) = &self.connection else {
            return Ok(JournalFeed::of_this_host(&self.places.state_directory));
        };
        let path = self.places.state_directory.join(JOURNAL_FILE);
        JournalFeed::over(connection.arguments(), &path, &connection.directory().join("feed"))
            .map_err(|source| SshError::Directory { host: connection.destination().to_string(), source }.into())
    }

    /// Whether systemd has this run. Where it does not say, it is taken for there.
    pub(crate) async fn has_run(&self, invocation_id: &str) -> Result<bool, SshError> {
        let Some(connection) = &self.connection else {
            return Ok(live_invocations(Path::new("/")).is_none_or(|ids| ids.contains(invocation_id)));
        };
        // Links that systemd keeps, see `live_invocations`.
        let script = "readlink /run/systemd/units/invocation:nixfleet-*; test -d /run/systemd/units";
        let found = connection.output(&["sh", "-c", script]).await?;
        let told = String::from_utf8_lossy(&found.stdout);
        Ok(found.code != 0 || told.lines().any(|line| line == invocation_id))
    }

    /// How long to wait before [`Target::has_run`] is asked again.
    pub(crate) const fn has_run_interval(&self) -> Duration {
        // Over ssh each answer is a process on both sides.
        if self.connection.is_some() { Duration::from_secs(2) } else { Duration::ZERO }
    }

    /// How far what is told of this host may be behind what systemd knows.
    pub(crate) const fn lag(&self) -> Duration {
        if self.connection.is_some() { Duration::from_secs(10) } else { Duration::from_secs(2) }
    }

    /// Its five compartments now.
    pub(crate) async fn status(&self) -> Result<HostStatus, CommandError> {
        let Some(connection) = &self.connection else {
            return status::of_host(&self.places.as_host());
        };
        let answer = self.nixfleet(&["status", "--json"], true).await?;
        serde_json::from_slice(&answer).map_err(|error| {
            let host = connection.destination().to_string();
            SshError::Answer { host, program: "nixfleet status --json".to_owned(), said: error.to_string() }.into()
        })
    }

    /// The generation that runs on another host; `None` where no generation has what runs.
    pub(crate) async fn generation(&self) -> Result<Option<CurrentGeneration>, SshError> {
        let Some(connection) = &self.connection else { return Ok(None) };
        let answer = self.nixfleet(&["generations", "--json"], false).await?;
        let listed: Vec<CurrentGeneration> = serde_json::from_slice(&answer).map_err(|error| {
            let host = connection.destination().to_string();
            SshError::Answer { host, program: "nixfleet generations --json".to_owned(), said: error.to_string() }
        })?;
        Ok(listed.into_iter().find(|generation| generation.is_current))
    }

    /// Becomes `nixfleet` there, called with this: what it prints is printed here. `None` for this host.
    pub(crate) async fn pass_on(&self, words: &[&str], with_places: bool) -> Result<Option<Outcome>, SshError> {
        let Some(connection) = &self.connection else { return Ok(None) };
        let places = if with_places { self.places.as_arguments() } else { Vec::new() };
        // Before the words: those may end with what is no option.
        let (name, rest) = words.split_first().unwrap_or((&"", &[]));
        let arguments: Vec<&str> =
            std::iter::once(*name).chain(places.iter().map(String::as_str)).chain(rest.iter().copied()).collect();
        let command = self.programs().command(NIXFLEET, &arguments);
        let status =
            tokio::process::Command::from(command).kill_on_drop(true).status().await.map_err(SshError::NoSsh)?;
        match status.code() {
            Some(0) => Ok(Some(Outcome::Done)),
            Some(255) | None => Err(connection.lost()),
            Some(127) => {
                let said = "the shell there does not find it".to_owned();
                Err(SshError::NoProgram {
                    host: connection.destination().to_string(),
                    program: NIXFLEET.to_owned(),
                    said,
                })
            }
            // It has said why.
            Some(_) => Ok(Some(Outcome::Failed)),
        }
    }

    /// What `nixfleet` prints there when it is called with this, and told where its files lie; it must succeed.
    async fn nixfleet(&self, words: &[&str], with_places: bool) -> Result<Vec<u8>, SshError> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        let places = if with_places { self.places.as_arguments() } else { Vec::new() };
        let places = places.iter().map(String::as_str);
        let line: Vec<&str> = std::iter::once(NIXFLEET).chain(words.iter().copied()).chain(places).collect();
        let output = connection.output(&line).await?;
        if output.code == 0 {
            return Ok(output.stdout);
        }
        let complaint = output.complaint();
        Err(failed(connection, NIXFLEET, complaint.strip_prefix("nixfleet: ").unwrap_or(&complaint).to_owned()))
    }
}

fn failed(connection: &SshConnection, program: &str, said: String) -> SshError {
    SshError::Failed { host: connection.destination().to_string(), program: program.to_owned(), said }
}

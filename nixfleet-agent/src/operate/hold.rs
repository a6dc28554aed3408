//! `nixfleet hold` and `nixfleet release`.

use std::io;

use jiff::Timestamp;
use nixfleet_core::git::{self, RemoteStore};
use nixfleet_core::state_directory::{CommitHeld, CommitReleased, JournalEntry, StateDirectory, StateError};
use nixfleet_core::{Revision, config};
use serde::Serialize;

use super::{OperateError, pass_on};
use crate::arguments::HoldArguments;
use crate::recorded_operations::recorded_operations;
use crate::ssh::SshDestination;
use crate::standard_output::print_json;
use crate::{CommandError, Outcome, remote};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    revision: &'a Revision,
    is_held: bool,
}

/// Holds the commit: the agent does not deploy it by itself.
pub(crate) fn hold(arguments: &HoldArguments, host: Option<&SshDestination>) -> Result<Outcome, CommandError> {
    if let Some(outcome) = passed_on("hold", arguments, host)? {
        return Ok(outcome);
    }
    let revision = resolve(arguments)?;
    let entry = JournalEntry::Held(CommitHeld { at: Timestamp::now(), revision: revision.clone() });
    append(arguments, &entry, "hold")?;
    anstream::eprintln!(
        "{revision} is held: the agent does not deploy it until `nixfleet release {}`",
        revision.short()
    );
    report(arguments, &revision, true)
}

/// Allows the commit again.
pub(crate) fn release(arguments: &HoldArguments, host: Option<&SshDestination>) -> Result<Outcome, CommandError> {
    if let Some(outcome) = passed_on("release", arguments, host)? {
        return Ok(outcome);
    }
    let revision = match held_as(arguments) {
        Some(revision) => revision,
        None => resolve(arguments)?,
    };
    let entry = JournalEntry::Released(CommitReleased { at: Timestamp::now(), revision: revision.clone() });
    append(arguments, &entry, "release")?;
    anstream::eprintln!("{revision} is released: the agent may deploy it as its policy says");
    report(arguments, &revision, false)
}

fn passed_on(
    command: &str,
    arguments: &HoldArguments,
    host: Option<&SshDestination>,
) -> Result<Option<Outcome>, CommandError> {
    let json = arguments.json.then_some("--json");
    let words: Vec<&str> = [command].into_iter().chain(json).chain(["--", &arguments.revision]).collect();
    pass_on(host, &words, Some(&arguments.places))
}

fn report(arguments: &HoldArguments, revision: &Revision, is_held: bool) -> Result<Outcome, CommandError> {
    if arguments.json {
        print_json(&Report { revision, is_held })?;
    }
    Ok(Outcome::Done)
}

/// The commit that is held, where its id begins like this: the checkout may not have it, or not any more.
fn held_as(arguments: &HoldArguments) -> Option<Revision> {
    let is_short = arguments.revision.len() < git::ABBREVIATION_MINIMUM_DIGITS;
    let held = recorded_operations(&StateDirectory::new(&arguments.places.state_directory))?.held?.revision;
    (!is_short && held.as_str().starts_with(&arguments.revision.to_lowercase())).then_some(held)
}

fn resolve(arguments: &HoldArguments) -> Result<Revision, CommandError> {
    // A full id needs no checkout: it may be of a commit that is yet to come.
    if let Ok(revision) = arguments.revision.parse() {
        return Ok(revision);
    }
    let config = config::read(&arguments.places.config)?;
    git::allow_foreign_owner();
    let state = StateDirectory::new(&arguments.places.state_directory);
    let store = RemoteStore::new(state.remote_repository_path());
    let found = git::resolve_abbreviated(&remote::checkout(&config, &state), Some(&store), &arguments.revision);
    Ok(found.map_err(OperateError::from)?)
}

fn append(arguments: &HoldArguments, entry: &JournalEntry, command: &str) -> Result<(), OperateError> {
    let state = StateDirectory::new(&arguments.places.state_directory);
    state.journal().append(entry).map_err(|error| match &error {
        StateError::Write { source, .. } | StateError::Read { source, .. }
            if matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) =>
        {
            let command = format!("{command} {}", arguments.revision);
            OperateError::NotTheirs { path: state.path.clone(), command }
        }
        _ => error.into(),
    })
}

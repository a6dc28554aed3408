//! Asking hosts themselves, over ssh.

use nixfleet_core::model::HostStatus;

use super::host::FleetHost;
use super::known::KnownHost;
use super::parallel;
use super::stop::Stop;
use crate::CommandError;
use crate::arguments::Places;
use crate::daemon::signals::Signals;
use crate::operate::{OperateError, block_on};
use crate::printable::printable;
use crate::ssh::SshDestination;
use crate::target::{CurrentGeneration, Target};

/// What a host says of itself.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: HostStatus,
    pub(crate) generation: Option<CurrentGeneration>,
}

/// Asks these hosts; the error is the sentence why one does not tell. `None` where a signal came first.
pub(crate) fn ask(
    hosts: &[KnownHost],
    at_once: usize,
    with_generation: bool,
    stop: &Stop,
) -> Vec<Option<Result<Told, String>>> {
    parallel::each(
        hosts,
        at_once,
        || stop.is_asked(),
        |known| {
            let destination = known.destination.as_ref().map_err(ToString::to_string)?;
            ask_one(destination, with_generation).map_err(|error| printable(&error.to_string()))
        },
    )
}

fn ask_one(destination: &SshDestination, with_generation: bool) -> Result<Told, CommandError> {
    block_on(async {
        let mut signals = Signals::listen().map_err(OperateError::Start)?;
        let asking = async {
            let target = Target::reach(Some(destination), &Places::default()).await?;
            let status = target.status().await?;
            // What runs is not in the status; without it the host has no revision.
            let generation = if with_generation { target.generation().await.ok().flatten() } else { None };
            Ok(Told { status, generation })
        };
        tokio::select! {
            told = asking => told,
            _ = signals.next() => Err(OperateError::Interrupted(format!("nixfleet --host {destination} status")).into()),
        }
    })
}

/// What the host says takes the place of what was known.
pub(crate) fn take(host: &mut FleetHost, told: &Result<Told, String>) {
    match told {
        Ok(Told { status, generation }) => {
            host.is_up = Some(true);
            host.states = status.compartments.clone().map(|of| of.state);
            host.revision = generation.as_ref().and_then(|generation| generation.revision.clone());
            host.generation = generation.as_ref().map(|generation| generation.number);
        }
        Err(sentence) => {
            host.is_up = Some(false);
            host.notes.insert(0, sentence.clone());
        }
    }
}

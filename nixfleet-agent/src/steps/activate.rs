//! Activate: what this very run has built becomes the running system. Runs as root.

use std::path::PathBuf;

use nixfleet_core::Revision;
use nixfleet_core::observation::{Operation, Phase};
use nixfleet_core::state_directory::JournalEntry;

use super::context::Context;
use super::error::StepError;
use super::run::{Run, Success};
use super::{Action, activation};

pub(super) fn activate(context: &Context, action: Action) -> Result<Success, StepError> {
    let run = Run::new(context, Operation::Switch);
    let (store_path, revision) = built(context)?;
    activation::check_system(&store_path)?;
    activation::probe_lock()?;
    let in_activation = StepError::in_phase(Phase::Activation);
    run.progress(Phase::Activation, revision.clone(), Some(store_path.clone())).map_err(&in_activation)?;
    let exit = activation::activate(&store_path, action)?;
    let judgement = activation::judge(&exit, &store_path, action)?;
    Ok(Success {
        phase: Some(Phase::Activation),
        revision,
        generation: judgement.generation,
        detail: Some(judgement.detail),
        ..Success::default()
    })
}

/// What the build step of this run left in the journal of operations.
fn built(context: &Context) -> Result<(PathBuf, Option<Revision>), StepError> {
    let contents = context.state.journal().read().map_err(StepError::in_phase(Phase::Activation))?;
    contents
        .entries
        .into_iter()
        .rev()
        .find_map(|entry| match entry {
            JournalEntry::Progress(progress) if progress.invocation_id == context.invocation_id => {
                Some((progress.store_path?, progress.revision))
            }
            _ => None,
        })
        .ok_or_else(|| StepError::new(Phase::Activation, "this run has built nothing: start the whole unit"))
}

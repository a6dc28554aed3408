//! Rollback: to the previous generation, or to the one named. Runs as root.

use std::path::{Path, PathBuf};

use nixfleet_core::observation::{Generation, Operation, Phase};
use nixfleet_core::state_directory::JournalEntry;
use nixfleet_core::system::{GenerationDetails, ProfileName, SystemRoot};

use super::context::Context;
use super::error::StepError;
use super::run::{Run, Success, running_revision, running_system};
use super::{Action, activation, system_check};

/// Of so many of the newest generations the revision is read.
const DETAILED_GENERATIONS: usize = 200;

pub(super) fn rollback(context: &Context, wanted: Option<u64>) -> Result<Success, StepError> {
    let run = Run::new(context, Operation::Rollback);
    let in_activation = StepError::in_phase(Phase::Activation);
    let root = SystemRoot::default();
    let from_revision = running_revision(context);
    run.started(None, from_revision.clone()).map_err(&in_activation)?;
    let generations = root
        .generations(&ProfileName::System, GenerationDetails::OfNewest(DETAILED_GENERATIONS))
        .map_err(StepError::in_phase(Phase::Activation))?;
    let running = running_system();
    let left = left_by_rollback(context);
    let target =
        choose(&generations, running.as_deref(), wanted, &left).map_err(StepError::in_phase(Phase::Activation))?;
    system_check::check_shape(&target.store_path)?;
    activation::probe_lock()?;
    run.progress(Phase::Activation, target.revision.clone(), Some(target.store_path.clone()))
        .map_err(StepError::in_phase(Phase::Activation))?;
    let exit = activation::activate_generation(target.number, &target.store_path)?;
    let judgement = activation::judge(&exit, &target.store_path, Action::Switch)?;
    Ok(Success {
        phase: Some(Phase::Activation),
        revision: target.revision.clone(),
        from_revision,
        generation: Some(target.number),
        detail: Some(format!("generation {}: {}", target.number, judgement.detail)),
        ..Success::default()
    })
}

/// The systems that a rollback stepped back from: going back to one of them would be going back to what was bad.
fn left_by_rollback(context: &Context) -> Vec<PathBuf> {
    let Ok(contents) = context.state.journal().read() else { return Vec::new() };
    let started = contents.entries.into_iter().filter_map(|entry| match entry {
        JournalEntry::Started(started) if started.operation == Operation::Rollback => Some(started),
        _ => None,
    });
    // This very run steps back from what runs now, which is passed over anyway.
    started.filter_map(|started| started.from_store_path).collect()
}

/// The generation to go to. "Previous" is the newest one before the running system's that is another system, and not one
/// that was stepped back from: the profile's own idea of the previous one is that of a failed switch.
fn choose<'a>(
    generations: &'a [Generation],
    running: Option<&Path>,
    wanted: Option<u64>,
    left: &[PathBuf],
) -> Result<&'a Generation, String> {
    if let Some(wanted) = wanted {
        return generations.iter().find(|generation| generation.number == wanted).ok_or_else(|| {
            format!("there is no generation {wanted}: `nixfleet generations` lists those that there are")
        });
    }
    let current = generations
        .iter()
        .rev()
        .find(|generation| Some(generation.store_path.as_path()) == running)
        .map_or(u64::MAX, |generation| generation.number);
    generations
        .iter()
        .rev()
        .find(|generation| {
            generation.number < current
                && Some(generation.store_path.as_path()) != running
                && !left.contains(&generation.store_path)
        })
        .ok_or_else(|| {
            "there is no earlier generation to go back to, other than those that were stepped back from: \
             `nixfleet generations` lists all, and `nixfleet rollback --to N` goes to any of them"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u64, store_path: &str) -> Generation {
        Generation {
            number,
            store_path: store_path.into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            revision: None,
            nixos_version: None,
            kernel_version: None,
            is_profile_default: false,
        }
    }

    #[test]
    fn the_previous_generation_is_another_system_before_the_running_one() {
        let generations = [generation(1, "/a"), generation(2, "/b"), generation(3, "/b"), generation(4, "/c")];
        for (running, wanted, left, expected) in [
            (Some("/c"), None, None, Ok(3)),
            (Some("/b"), None, None, Ok(1)),
            // /b was stepped back from, then /c was bad too.
            (Some("/c"), None, Some("/b"), Ok(1)),
            (Some("/b"), None, Some("/a"), Err(())),
            // Generation 4 is of a failed switch: what runs is 3.
            (Some("/a"), None, None, Err(())),
            // Switched by hand with `test`: no generation of its own.
            (Some("/other"), None, None, Ok(4)),
            (None, None, None, Ok(4)),
            (Some("/c"), Some(1), Some("/a"), Ok(1)),
            (Some("/c"), Some(4), None, Ok(4)),
            (Some("/c"), Some(9), None, Err(())),
        ] {
            let left: Vec<PathBuf> = left.map(PathBuf::from).into_iter().collect();
            let chosen = choose(&generations, running.map(Path::new), wanted, &left);
            assert_eq!(chosen.map(|it| it.number).map_err(|_| ()), expected, "{running:?} {wanted:?} {left:?}");
        }
        assert!(choose(&[], None, None, &[]).is_err());
    }
}

//! Activate: what this very run has built becomes the running system. Runs as root.

use std::path::{Path, PathBuf};

use nixfleet_core::Revision;
use nixfleet_core::observation::{Operation, Phase};
use nixfleet_core::state_directory::JournalEntry;

use super::activation::Judgement;
use super::confirmation::Unconfirmed;
use super::context::Context;
use super::error::StepError;
use super::kept_systems::{KeptSystems, Role};
use super::run::{Run, Success, running_revision, running_system};
use super::{Action, activation, confirmation, fall_back, system_check};

pub(super) fn activate(context: &Context, action: Action) -> Result<Success, StepError> {
    let run = Run::new(context, Operation::Switch);
    let (store_path, revision) = built(context)?;
    let kept = KeptSystems::default();
    let new = New { context, run, store_path, revision };
    let activated = new.check(&kept).and_then(|()| match new.system_before(action, &kept)? {
        Some(before) => new.switch_when_confirmed(&before, &kept),
        None => new.activate(action),
    });
    // After a failure the step that falls back may still need them, and lets go of them.
    let judgement = activated?;
    kept.release();
    let next_boot = action == Action::Boot && running_system().as_deref() != Some(&*new.store_path);
    Ok(Success {
        phase: Some(Phase::Activation),
        revision: new.revision,
        from_revision: if next_boot { running_revision(context) } else { None },
        next_boot_store_path: next_boot.then_some(new.store_path),
        generation: judgement.generation,
        detail: Some(judgement.detail),
        ..Success::default()
    })
}

/// The system that this run brings.
struct New<'a> {
    context: &'a Context,
    run: Run<'a>,
    store_path: PathBuf,
    revision: Option<Revision>,
}

impl New<'_> {
    /// Whether root may run it. From here on it is not collected as garbage.
    fn check(&self, kept: &KeptSystems) -> Result<(), StepError> {
        system_check::check_shape(&self.store_path)?;
        keep(kept, Role::New, &self.store_path)?;
        system_check::check_registered(&self.store_path)?;
        system_check::check_revision(&self.store_path, self.revision.as_ref())?;
        activation::probe_lock()
    }

    fn activate(&self, action: Action) -> Result<Judgement, StepError> {
        self.enters(Phase::Activation, None)?;
        let exit = activation::activate(&self.store_path, action)?;
        activation::judge(&exit, &self.store_path, action)
    }

    /// The system to fall back to, where this switch has to be confirmed.
    fn system_before(&self, action: Action, kept: &KeptSystems) -> Result<Option<PathBuf>, StepError> {
        if action != Action::Switch || !self.context.config.confirm.enable {
            return Ok(None);
        }
        let boots = activation::default_generation().map(|(_, store_path)| store_path);
        let before = fall_back::system_before(&self.store_path, running_system(), boots);
        match &before {
            Some(before) => {
                system_check::check_shape(before)?;
                // It may run and be no generation: then nothing else keeps it once the new one runs.
                keep(kept, Role::Before, before)?;
            }
            None => eprintln!("this system runs and boots already, or none did before: there is nothing to confirm"),
        }
        Ok(before)
    }

    /// Until the confirmation it only runs: the profile and the boot loader know nothing of it, so that a machine that goes
    /// down comes back with the system before it.
    fn switch_when_confirmed(&self, before: &Path, kept: &KeptSystems) -> Result<Judgement, StepError> {
        let how = self.activate_and_confirm(before, kept)?;
        // From here on nothing falls back.
        let exit = activation::activate(&self.store_path, Action::Boot)?;
        let judgement = activation::judge(&exit, &self.store_path, Action::Switch)?;
        Ok(Judgement { detail: format!("{}; {how}", judgement.detail), ..judgement })
    }

    fn activate_and_confirm(&self, before: &Path, kept: &KeptSystems) -> Result<String, StepError> {
        self.enters(Phase::Activation, Some(before))?;
        let back = |error: StepError| StepError {
            sentence: format!("{}; {}", error.sentence, fall_back::go_back(before, kept)),
            ..error
        };
        let changed = || running_system().as_deref() != Some(before);
        let exit = activation::activate(&self.store_path, Action::Test)
            .map_err(|error| if changed() { back(error) } else { error })?;
        if let Err(error) = activation::judge(&exit, &self.store_path, Action::Test) {
            if !changed() {
                return Err(error);
            }
            // Without what runs now, which is not what runs in the end.
            return Err(back(StepError { sentence: activation::why(&exit), ..error }));
        }
        self.enters(Phase::Confirmation, Some(before)).map_err(back)?;
        let how = match confirmation::wait(self.context, &self.store_path) {
            Ok(how) => how,
            // Whoever did that knows better.
            Err(unconfirmed @ Unconfirmed::TakenOver) => return Err(unconfirmed.into()),
            Err(unconfirmed) => return Err(back(unconfirmed.into())),
        };
        self.enters(Phase::Activation, None).map_err(back)?;
        Ok(how)
    }

    fn enters(&self, phase: Phase, falls_back_to: Option<&Path>) -> Result<(), StepError> {
        let store_path = Some(self.store_path.clone());
        let written =
            self.run.may_fall_back(phase, self.revision.clone(), store_path, falls_back_to.map(Path::to_owned));
        written.map_err(StepError::in_phase(phase))
    }
}

fn keep(kept: &KeptSystems, role: Role, store_path: &Path) -> Result<(), StepError> {
    kept.keep(role, store_path).map_err(|error| {
        let sentence = format!(
            "cannot keep {} from being collected as garbage ({error}): nothing was changed; check /nix/var/nix/gcroots",
            store_path.display()
        );
        StepError::new(Phase::Activation, sentence)
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

//! Pull: read the remote, bring the checkout forward.

use nixfleet_core::git::{self, RemoteStore, RewrittenBranch};
use nixfleet_core::observation::{Operation, Phase};

use super::context::Context;
use super::error::StepError;
use super::run::{Run, Success};
use crate::remote;

pub(super) fn pull(context: &Context) -> Result<Success, StepError> {
    let run = Run::new(context, Operation::Pull);
    let path = context.repository();
    let before = git::observe_repository(&path).present().and_then(|repository| repository.head.clone());
    run.started(None, before).map_err(StepError::in_phase(Phase::Fetch))?;
    run.progress(Phase::Fetch, None, None).map_err(StepError::in_phase(Phase::Fetch))?;
    let store = RemoteStore::new(context.state.remote_repository_path());
    let looked = remote::look(&context.config, &context.state, &context.runtime);
    let tip = looked.map_err(StepError::in_phase(Phase::Fetch))?;

    let in_update = StepError::in_phase(Phase::Update);
    run.progress(Phase::Update, Some(tip.revision.clone()), None).map_err(&in_update)?;
    let rewritten =
        if context.config.repository.allow_rewritten_branch { RewrittenBranch::Take } else { RewrittenBranch::Refuse };
    let moved = git::fast_forward(&path, &store, &tip, rewritten).map_err(StepError::in_phase(Phase::Update))?;
    let detail = match &moved.from {
        Some(from) if *from == moved.to => format!("already at {}", moved.to.short()),
        Some(from) => format!("{} → {}: {}", from.short(), moved.to.short(), tip.subject),
        None => format!("cloned at {}: {}", moved.to.short(), tip.subject),
    };
    Ok(Success {
        phase: Some(Phase::Update),
        revision: Some(moved.to),
        from_revision: moved.from,
        detail: Some(detail),
        ..Success::default()
    })
}

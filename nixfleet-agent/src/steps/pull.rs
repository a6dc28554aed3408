//! Pull: read the remote, bring the checkout forward.

use jiff::Timestamp;
use nixfleet_core::git::{self, RemoteStore, RewrittenBranch};
use nixfleet_core::observation::{Operation, Phase, RemoteAttempt, RemoteCommit};

use super::context::Context;
use super::error::StepError;
use super::run::{Run, Success};

pub(super) fn pull(context: &Context) -> Result<Success, StepError> {
    let run = Run::new(context, Operation::Pull);
    let path = context.repository();
    let before = git::observe_repository(&path).present().and_then(|repository| repository.head.clone());
    run.started(None, before).map_err(StepError::in_phase(Phase::Fetch))?;
    run.progress(Phase::Fetch, None, None).map_err(StepError::in_phase(Phase::Fetch))?;
    let store = RemoteStore::new(context.state.remote_repository_path());
    let tip = observe_remote(context, &store)?;

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

/// Looks at the remote and records the answer, or that there was none.
fn observe_remote(context: &Context, store: &RemoteStore) -> Result<RemoteCommit, StepError> {
    let in_fetch = StepError::in_phase(Phase::Fetch);
    let path = context.repository();
    let configured = &context.config.repository;
    let (url, branch) = if let Some(url) = &configured.url {
        (url.clone(), configured.branch.clone())
    } else {
        let tracked = git::tracked_remote(&path)
            .map_err(StepError::in_phase(Phase::Fetch))?
            .ok_or_else(|| in_fetch("no remote is configured: set services.nixfleet.repository.url".to_owned()))?;
        (tracked.url, configured.branch.clone().or(tracked.branch))
    };
    // A record that cannot be read is one that is written anew.
    let previous = context.state.read_remote().ok().flatten();
    let attempt = context.runtime.read_remote_attempt().ok().flatten();
    let now = Timestamp::now();
    let answer = store.observe(&context.source(url, branch), previous.as_ref(), Some(&path), now);
    let attempt = match &answer {
        Ok(_) => RemoteAttempt::succeeded(attempt.as_ref(), now),
        Err(error) => RemoteAttempt::failed(attempt.as_ref(), now, error.to_string()),
    };
    if let Err(error) = context.runtime.write_remote_attempt(&attempt) {
        eprintln!("{error}");
    }
    let tip = answer.map_err(StepError::in_phase(Phase::Fetch))?;
    // A tip that is only confirmed is not written again: a host at rest leaves its disk alone.
    let is_new = previous.is_none_or(|previous| RemoteCommit { confirmed_at: tip.confirmed_at, ..previous } != tip);
    if is_new {
        context.state.write_remote(&tip).map_err(StepError::in_phase(Phase::Fetch))?;
    }
    Ok(tip)
}

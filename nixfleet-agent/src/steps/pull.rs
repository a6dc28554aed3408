//! Pull: read the remote, check who signed what is new, bring the checkout forward.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::git::signature::{SignatureError, TrustedKeys, verify_incoming};
use nixfleet_core::git::{self, RemoteStore, RewrittenBranch};
use nixfleet_core::observation::{Operation, OperationResult, Phase, RemoteCommit};

use super::context::Context;
use super::error::StepError;
use super::packs;
use super::run::{Run, Success};
use crate::recorded_operations::recorded_operations;
use crate::remote;

pub(super) fn pull(context: &Context) -> Result<Success, StepError> {
    let run = Run::new(context, Operation::Pull);
    let path = context.repository();
    let cut_off = cut_off_before(context);
    let before = git::observe_repository(&path).present().and_then(|repository| repository.head.clone());
    run.started(None, before).map_err(StepError::in_phase(Phase::Fetch))?;
    run.progress(Phase::Fetch, None, None).map_err(StepError::in_phase(Phase::Fetch))?;
    context.check_user().map_err(StepError::in_phase(Phase::Fetch))?;
    if context.config.repository.foreign_user().is_some() {
        // The store of fetched objects, which this user shares with nixfleet. Whose the checkout is was checked.
        git::allow_foreign_owner();
    }
    let store = RemoteStore::new(context.state.remote_repository_path());
    let looked = remote::fetch(&context.config, &context.state, &context.runtime);
    let tip = looked.map_err(StepError::in_phase(Phase::Fetch))?;

    let rewritten =
        if context.config.repository.allow_rewritten_branch { RewrittenBranch::Take } else { RewrittenBranch::Refuse };
    if context.config.repository.signatures.are_required() {
        let in_verification = StepError::in_phase(Phase::Verify);
        run.progress(Phase::Verify, Some(tip.revision.clone()), None).map_err(&in_verification)?;
        verify(context, &store, &tip, rewritten).map_err(StepError::in_phase(Phase::Verify))?;
    }

    let in_update = StepError::in_phase(Phase::Update);
    run.progress(Phase::Update, Some(tip.revision.clone()), None).map_err(&in_update)?;
    if let (Some(cut_off), None) = (cut_off, &context.config.repository.path) {
        git::remove_locks_made_between(&path, &tip.branch, cut_off.0, cut_off.1);
    }
    let moved = git::fast_forward(&path, &store, &tip, rewritten).map_err(StepError::in_phase(Phase::Update))?;
    // A checkout of somebody's own is collected by the git that they use. What both share belongs to two users.
    if context.config.repository.foreign_user().is_none() {
        packs::put_together(&context.state.remote_repository_path());
        if context.config.repository.path.is_none() {
            packs::put_together(&path.join(".git"));
        }
    }
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

/// Says now and then how far it is: a branch may have many new commits.
fn verify(
    context: &Context,
    store: &RemoteStore,
    tip: &RemoteCommit,
    rewritten: RewrittenBranch,
) -> Result<(), SignatureError> {
    const PAUSE: Duration = Duration::from_secs(1);
    let keys = TrustedKeys::read(&context.config.repository.signatures)?;
    let mut said_at = Instant::now();
    let verified = verify_incoming(&context.repository(), store, tip, rewritten, &keys, &mut |done, all| {
        if said_at.elapsed() >= PAUSE {
            said_at = Instant::now();
            let of_all = all.map_or_else(String::new, |all| format!(" of {all}"));
            eprintln!("signatures checked: {done}{of_all}");
        }
    })?;
    eprintln!("commits that are new and signed by trusted keys: {}", verified.commits);
    Ok(())
}

/// From when to when a pull ran that was cut off, where the last one was: what it left is no sign that another git runs.
fn cut_off_before(context: &Context) -> Option<(Timestamp, Timestamp)> {
    let last = recorded_operations(&context.state)?.pull.last?;
    let was_cut_off = matches!(
        last.result,
        OperationResult::Killed | OperationResult::TimedOut | OperationResult::Interrupted | OperationResult::Lost
    );
    // The time of a file is some milliseconds behind the clock.
    let from = last.started_at.checked_sub(Duration::from_secs(1)).ok()?;
    was_cut_off.then(|| (from, last.ended_at.unwrap_or_else(Timestamp::now)))
}

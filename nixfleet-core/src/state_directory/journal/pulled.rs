//! Which pull moved local HEAD last.

use super::runs::Run;
use crate::observation::Operation;

/// The last of these runs that is a pull which moved local HEAD. A pull that found nothing new tells nothing of when HEAD
/// came, however often it runs.
pub(super) fn last_move<'run, 'a>(runs: &'run [Run<'a>]) -> Option<&'run Run<'a>> {
    let mut pulls: Vec<_> = runs
        .iter()
        .filter(|run| run.operation() == Some(Operation::Pull) && run.succeeded() && run.revision.is_some())
        .collect();
    pulls.sort_unstable_by_key(|run| run.last_line);
    pulls.into_iter().fold(None, |last: Option<&Run<'_>>, pull| {
        let before = pull.from_revision.or(last.and_then(|last| last.revision));
        if before == pull.revision { last } else { Some(pull) }
    })
}

//! Which commit is held: what a rollback stepped back from must not come again by itself.

use super::runs::Run;
use super::{Ended, JournalEntry};
use crate::Revision;
use crate::observation::{Held, Operation};

/// What is held, and which entries made it so.
#[derive(Debug, Default)]
pub(super) struct Hold {
    pub(super) held: Option<Held>,
    /// The index of the entry that held a commit last.
    pub(super) set_by: Option<usize>,
    /// The index of the entry that allowed that commit again.
    pub(super) cleared_by: Option<usize>,
}

impl Hold {
    /// Follows the entries in the order of their lines.
    ///
    /// A rollback holds the commit that it stepped back from, a person any commit. That very commit is allowed again by a
    /// person's word, or where it was deployed all the same: nixfleet does not do so by itself. Another commit's deployment
    /// leaves the hold in place.
    pub(super) fn follow<'a>(entries: impl Iterator<Item = (usize, &'a JournalEntry)>, runs: &[Run<'_>]) -> Self {
        let mut hold = Self::default();
        let mut deployments: Vec<&Run<'_>> = runs.iter().filter(|run| is_deployment(run)).collect();
        deployments.sort_unstable_by_key(|run| run.last_line);
        let mut deployments = deployments.into_iter().peekable();
        for (line, entry) in entries {
            match entry {
                JournalEntry::Ended(ended) => {
                    if let Some(run) = deployments.next_if(|run| run.last_line == line) {
                        hold.after_deployment(line, run, ended);
                    }
                }
                JournalEntry::Held(by_hand) => {
                    let revision = by_hand.revision.clone();
                    hold.set(line, Held { revision, generation: None, since: by_hand.at });
                }
                JournalEntry::Released(released) => hold.clear(line, Some(&released.revision)),
                JournalEntry::Started(_) | JournalEntry::Progress(_) | JournalEntry::Checkpoint(_) => {}
            }
        }
        hold
    }

    fn after_deployment(&mut self, line: usize, run: &Run<'_>, ended: &Ended) {
        match (run.operation(), run.from_revision) {
            (Some(Operation::Rollback), Some(revision)) => {
                self.set(line, Held { revision: revision.clone(), generation: ended.generation, since: ended.at });
            }
            _ => self.clear(line, run.revision),
        }
    }

    fn set(&mut self, line: usize, held: Held) {
        *self = Self { held: Some(held), set_by: Some(line), cleared_by: None };
    }

    fn clear(&mut self, line: usize, revision: Option<&Revision>) {
        if self.held.as_ref().is_some_and(|held| Some(&held.revision) == revision) {
            self.held = None;
            self.cleared_by = Some(line);
        }
    }
}

fn is_deployment(run: &Run<'_>) -> bool {
    run.succeeded() && matches!(run.operation(), Some(Operation::Switch | Operation::Rollback))
}

//! What the journal cannot know by itself: which operations still run.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use crate::state_directory::{boot_id, live_invocations};

/// The machine at the moment at which a journal is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldContext {
    /// The id of this boot; `None` where unknown: then nothing counts as interrupted by a restart.
    pub boot_id: Option<String>,
    /// The invocation ids that systemd still has; `None` where unknown: then nothing counts as lost for not being there.
    ///
    /// To be read before the journal, see [`live_invocations`].
    pub live_invocations: Option<BTreeSet<String>>,
    /// The time now.
    pub now: Timestamp,
}

impl FoldContext {
    /// The machine whose root directory this is: `/` on a host. To be called before the journal is read.
    #[must_use]
    pub fn of_machine(root: &Path, now: Timestamp) -> Self {
        Self { boot_id: boot_id(root), live_invocations: live_invocations(root), now }
    }
}

//! What the journal of operations tells of this machine.

use std::path::Path;

use jiff::Timestamp;
use nixfleet_core::observation::OperationHistory;
use nixfleet_core::state_directory::{FoldContext, StateDirectory};

/// What operations did; `None` where the journal cannot be read.
pub(crate) fn recorded_operations(state: &StateDirectory) -> Option<OperationHistory> {
    let machine = FoldContext::of_machine(Path::new("/"), Timestamp::now());
    Some(state.journal().read().ok()?.history(&machine).operations)
}

//! Bringing the tracked branch to the checkout: forward only, and without losing anything.

mod error;
mod fast_forward;
mod leftovers;
mod objects;
mod under_way;

pub use error::CheckoutError;
pub(in crate::git) use fast_forward::unfinished_target;
pub use fast_forward::{Moved, RewrittenBranch, fast_forward};
pub use under_way::remove_locks_made_between;

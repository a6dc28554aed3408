//! Where observations come from.

use nixfleet_core::observation::Observation;

/// A source of observations: a real host, or one made up by a test.
///
/// It is called once per collection, on a thread of its own, and may block. What it cannot read is a value in the
/// observation; a panic or a call that takes too long costs that collection, nothing else.
pub trait Observe: Send + Sync + 'static {
    /// The evidence as it is now.
    fn observe(&self) -> Observation;
}

//! Where what happens is shown.

use std::fmt;

/// Takes what is told while an operation is followed.
pub(crate) trait Show: Send + Sync + fmt::Debug {
    /// One line of nixfleet's own, or several.
    fn line(&self, text: &str);

    /// One line that the unit wrote, or several.
    fn output(&self, text: &str);

    /// What goes on now; the next one takes its place.
    fn status(&self, text: &str);

    /// Takes away what goes on.
    fn clear(&self);
}

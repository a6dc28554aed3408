//! Names from elsewhere, made harmless for a terminal.

use nixfleet_core::disturbs;

/// The text with a mark in place of every character that disturbs: a directory's name may hold escape sequences.
pub(crate) fn printable(text: &str) -> String {
    text.replace(disturbs, "\u{fffd}")
}

//! Names from elsewhere, made harmless for a terminal.

/// The text with every control character replaced: a directory's name may hold escape sequences.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

//! Text from a file that anyone may have written, made fit for a terminal, a log and a label.

use crate::one_line::cut;

/// How much of an input's or a node's name is shown; Nix's own are far shorter.
pub(super) const NAME_CHARACTERS: usize = 100;

/// The text with a mark in place of what disturbs, cut to so many characters.
pub(super) fn printable(text: &str, max_characters: usize) -> String {
    cut(text, '\u{fffd}', max_characters)
}

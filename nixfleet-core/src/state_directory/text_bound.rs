//! Texts of others, cut to a bound and to one line.

use crate::one_line::disturbs;

/// At most so many bytes of the text, without characters that disturb; `…` at the end where something was left out.
pub(super) fn cut(text: &str, maximum_bytes: usize) -> String {
    const ELLIPSIS: char = '…';
    let plain = |character: char| if disturbs(character) { ' ' } else { character };
    if text.len() <= maximum_bytes {
        // What disturbs may be longer than the space in its place, never shorter.
        return text.chars().map(plain).collect();
    }
    let room = maximum_bytes.saturating_sub(ELLIPSIS.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut short: String = text.get(..end).unwrap_or_default().chars().map(plain).collect();
    short.push(ELLIPSIS);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        for (text, maximum_bytes, expected) in [
            ("short", 5, "short"),
            ("too long", 7, "too …"),
            ("äöü", 5, "ä…"),
            ("a\n\tb\u{85}", 9, "a  b "),
            ("a\u{202e}b", 9, "a b"),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, maximum_bytes), expected);
        }
    }
}

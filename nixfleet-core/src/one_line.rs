//! Text from elsewhere, made fit for one line of a terminal, a log or a label.

/// Whether a character breaks the line that it stands in, steers a terminal, or disguises what stands around it: control
/// characters, line separators, marks of direction, and what is invisible.
///
/// The two joiners are none: names and scripts of many languages, and emoji, need them.
#[must_use]
pub fn disturbs(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text on one line: what disturbs becomes a space, and it is cut after `maximum_characters`.
pub(crate) fn one_line(text: &str, maximum_characters: usize) -> String {
    cut(text.trim(), ' ', maximum_characters)
}

/// The text with `instead` in place of each character that disturbs, cut after `maximum_characters`.
pub(crate) fn cut(text: &str, instead: char, maximum_characters: usize) -> String {
    let mut characters = text.chars().map(|character| if disturbs(character) { instead } else { character });
    let mut line: String = characters.by_ref().take(maximum_characters).collect();
    if characters.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// The text with a space in place of whatever disturbs. One that is fit costs no copy.
pub(crate) fn without_disturbance(text: String) -> String {
    if text.contains(disturbs) { text.replace(disturbs, " ") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_bounded_line() {
        assert_eq!(one_line(" a\nb\u{1b}[31mc\u{202e}d \n", 80), "a b [31mc d");
        assert_eq!(without_disturbance("a\nb\u{202e}c".to_owned()), "a b c");
        for (text, maximum_characters, expected) in [
            ("", 5, ""),
            ("plain", 5, "plain"),
            ("plain!", 5, "plai…"),
            ("é→ü", 3, "é→ü"),
            ("äöüß", 3, "äö…"),
            ("a\x1b[31m\nb", 20, "a\u{fffd}[31m\u{fffd}b"),
            ("a\u{202e}b\u{feff}", 20, "a\u{fffd}b\u{fffd}"),
            ("👩\u{200d}💻", 20, "👩\u{200d}💻"),
        ] {
            assert_eq!(cut(text, '\u{fffd}', maximum_characters), expected, "{text:?}");
        }
    }
}

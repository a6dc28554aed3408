//! Text from elsewhere, made fit for one line of a terminal or a log.

/// The text on one line: control characters become spaces, and it is cut after `maximum_characters`.
pub(crate) fn one_line(text: &str, maximum_characters: usize) -> String {
    let mut characters = text.trim().chars().map(|character| if hides(character) { ' ' } else { character });
    let mut line: String = characters.by_ref().take(maximum_characters).collect();
    if characters.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// The text with a space in place of whatever would break the line or disguise it. One that is fit costs no copy.
pub(crate) fn without_hiding(text: String) -> String {
    if text.contains(hides) { text.replace(hides, " ") } else { text }
}

/// Control characters, line separators, and those that reorder what stands around them.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_bounded_line() {
        assert_eq!(one_line(" a\nb\u{1b}[31mc\u{202e}d \n", 80), "a b [31mc d");
        assert_eq!(without_hiding("a\nb\u{202e}c".to_owned()), "a b c");
        assert_eq!(one_line("äöü", 3), "äöü");
        assert_eq!(one_line("äöüß", 3), "äö…");
    }
}

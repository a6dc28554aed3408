//! Text from a file that anyone may have written, made fit for a terminal, a log and a label.

/// How much of an input's or a node's name is shown; Nix's own are far shorter.
pub(super) const NAME_CHARACTERS: usize = 100;

/// The text with control characters and those that turn the writing direction replaced, cut to so many characters.
pub(super) fn printable(text: &str, max_characters: usize) -> String {
    let mut characters = text.chars().map(|character| if disturbs(character) { '\u{fffd}' } else { character });
    let mut shown: String = characters.by_ref().take(max_characters).collect();
    if characters.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

fn disturbs(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_cuts() {
        for (text, max_characters, expected) in [
            ("", 5, ""),
            ("plain", 5, "plain"),
            ("plain!", 5, "plai…"),
            ("é→ü", 3, "é→ü"),
            ("a\x1b[31m\nb", 20, "a\u{fffd}[31m\u{fffd}b"),
            ("a\u{202e}b", 20, "a\u{fffd}b"),
        ] {
            assert_eq!(printable(text, max_characters), expected, "{text:?}");
        }
    }
}

//! Text within an expression of Prometheus.

/// A string of Prometheus' language.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A regular expression, in a string of that language, that matches exactly these texts.
pub(super) fn one_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let escape = |text: &str| {
        let mut escaped = String::new();
        for character in text.chars() {
            if "\\.+*?()|[]{}^$".contains(character) {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        escaped
    };
    string(&texts.into_iter().map(escape).collect::<Vec<_>>().join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        assert_eq!(string("web1"), r#""web1""#);
        assert_eq!(string("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(one_of(["web1:1", "10.0.0.1"]), r#""web1:1|10\\.0\\.0\\.1""#);
        assert_eq!(one_of(["[::1]:9", "a|b"]), r#""\\[::1\\]:9|a\\|b""#);
    }
}

//! Standard error while an operation is followed: lines of the unit, and on a terminal one line below that changes.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use anstream::adapter::strip_str;
use nixfleet_core::disturbs;

use super::show::Show;

/// Lines come from another thread than the changing line.
#[derive(Debug)]
pub(crate) struct Terminal {
    is_terminal: bool,
    has_status: Mutex<bool>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { is_terminal: std::io::stderr().is_terminal(), has_status: Mutex::new(false) }
    }

    fn write(&self, text: &str, is_status: bool) {
        let mut has_status = self.has_status.lock().unwrap_or_else(PoisonError::into_inner);
        let start = if *has_status { "\r\x1b[K" } else { "" };
        let _ = write!(std::io::stderr(), "{start}{text}");
        *has_status = is_status;
    }
}

impl Show for Terminal {
    /// A terminal that went away is no reason to fail.
    fn line(&self, text: &str) {
        self.write(&format!("{}\n", harmless(text)), false);
    }

    fn output(&self, text: &str) {
        self.line(text);
    }

    /// Nothing where standard error is no terminal.
    fn status(&self, text: &str) {
        if self.is_terminal {
            self.write(&harmless(text), true);
        }
    }

    fn clear(&self) {
        self.write("", false);
    }
}

/// Without escape sequences and control characters: what a build or a test writes must not move the cursor.
fn harmless(text: &str) -> String {
    let text = strip_str(text).to_string();
    text.replace(|character: char| disturbs(character) && !matches!(character, '\n' | '\t'), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_a_build_writes_does_not_move_the_cursor() {
        for (text, expected) in [
            ("plain\tä", "plain\tä"),
            ("\x1b[31;1merror:\x1b[0m no", "error: no"),
            ("a\x1b]0;title\x07b", "ab"),
            ("two\nlines", "two\nlines"),
            ("over\rwritten", "over\u{fffd}written"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }
}

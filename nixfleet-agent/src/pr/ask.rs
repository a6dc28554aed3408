//! A question before anything is done.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::PrError;

/// Goes on where the answer is yes, or `yes` was said before.
pub(super) fn ask(question: &str, yes: bool) -> Result<(), PrError> {
    if yes {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(PrError::NobodyToAsk);
    }
    let mut terminal = std::io::stderr();
    write!(terminal, "{question} [y/N] ").and_then(|()| terminal.flush()).map_err(PrError::Answer)?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer).map_err(PrError::Answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") { Ok(()) } else { Err(PrError::NotWanted) }
}

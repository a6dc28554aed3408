//! What a command prints on standard output, for people or for the next program. A reader that went away is no failure: the
//! exit code still tells.

use std::io::{self, Write as _};

use serde::Serialize;

/// Prints the text.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut output = anstream::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Prints the value as JSON, on one line.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value)?;
    print(&format!("{text}\n"))
}

//! What to say where a machine has not what a test needs.

use std::io::Write as _;

/// Says so on standard error itself: what a test prints is shown only where it fails.
pub fn skipped(why: &str) {
    // Without a standard error nobody is there to be told.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}\n");
}

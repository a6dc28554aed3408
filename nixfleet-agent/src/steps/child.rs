//! Running another program: its words go to the journal as they come, and the last of them are kept for the reason.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

/// So many of the last lines are kept.
const KEPT_LINES: usize = 200;

/// A line is kept up to here.
const LINE_BYTES: u64 = 4096;

/// How a program ended.
#[derive(Debug)]
pub(super) struct Exit {
    /// Its exit code; 128 and the signal where a signal ended it.
    pub(super) code: i32,
    /// The signal that ended it, where one did.
    signal: Option<i32>,
    /// The last lines that it wrote to standard error.
    pub(super) lines: VecDeque<String>,
}

impl Exit {
    pub(super) const fn succeeded(&self) -> bool {
        self.code == 0
    }

    pub(super) fn says(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }

    /// What tells the reason best: the last line that begins with `error:`, else the signal that ended it, else the last
    /// line that is not empty.
    pub(super) fn reason(&self) -> Cow<'_, str> {
        let lines = || self.lines.iter().rev().map(|line| line.trim());
        let error = lines().find(|line| line.starts_with("error:") && line.len() > "error:".len());
        match (error, self.signal) {
            (Some(error), _) => error.into(),
            // Its last words are of the work it was at, not of its end.
            (None, Some(signal)) => format!("it was ended by the signal {signal}").into(),
            (None, None) => lines().find(|line| !line.is_empty()).unwrap_or("it said nothing").into(),
        }
    }
}

/// Runs the program to its end.
pub(super) fn run(command: &mut Command) -> std::io::Result<Exit> {
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut lines = VecDeque::new();
    if let Some(stderr) = child.stderr.take() {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        while reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? > 0 {
            // The journal may have gone away; the program is not to be stopped for that.
            let _ = std::io::stderr().write_all(&line);
            if lines.len() == KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(String::from_utf8_lossy(&line).replace(char::is_control, " "));
            line.clear();
        }
    }
    let status = child.wait()?;
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    let code = status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1);
    Ok(Exit { code, signal, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Exit {
        run(Command::new("sh").arg("-c").arg(script)).unwrap()
    }

    #[test]
    fn the_reason_is_the_last_error() {
        let exit = shell(
            "echo 'error: first' >&2; echo 'error:' >&2; echo '  error: attribute missing' >&2; echo >&2; exit 3",
        );
        assert_eq!((exit.code, &*exit.reason()), (3, "error: attribute missing"));
        assert_eq!(shell("echo last >&2; echo >&2; exit 1").reason(), "last");
        assert_eq!(shell("exit 1").reason(), "it said nothing");
        let killed = shell("echo 'building it...' >&2; kill -KILL $$");
        assert_eq!((killed.code, &*killed.reason()), (128 + 9, "it was ended by the signal 9"));
    }

    #[test]
    fn much_output_is_not_kept() {
        let exit = shell("yes $(printf '%10000s' x) | head -n 1000 >&2");
        assert!(exit.succeeded());
        assert_eq!(exit.lines.len(), KEPT_LINES);
    }
}

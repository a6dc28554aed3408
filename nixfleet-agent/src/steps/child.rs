//! Running another program: its words go to the journal as they come, and the last of them are kept for the reason.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nixfleet_core::git::redact_line;

/// So many of the last lines are kept.
const KEPT_LINES: usize = 200;

/// A line is kept up to here.
const LINE_BYTES: u64 = 4096;

const POLL: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Debug)]
pub(super) struct Exit {
    /// Its exit code; 128 and the signal where a signal ended it.
    pub(super) code: i32,
    /// The signal that ended it, where one did.
    signal: Option<i32>,
    /// The last lines that it wrote to standard error, and to standard output where that was asked for.
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
    let lines = child.stderr.take().map_or_else(|| Ok(VecDeque::new()), hand_on)?;
    Ok(exit_of(child.wait()?, lines))
}

/// The same, where what it writes to standard output counts like the rest.
pub(super) fn run_with_output(command: &mut Command) -> std::io::Result<Exit> {
    let (reader, writer) = std::io::pipe()?;
    let child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn();
    // It holds the other end, too, for as long as it has it: there would be no end to read.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child?;
    let lines = hand_on(reader)?;
    Ok(exit_of(child.wait()?, lines))
}

/// Runs the program, and ends it with all its children where it takes longer than this; then there is no exit.
pub(super) fn run_within(command: &mut Command, limit: Duration) -> std::io::Result<Option<Exit>> {
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0).spawn()?;
    let reader = child.stderr.take().map(|stderr| std::thread::spawn(move || hand_on(stderr)));
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if begin.elapsed() >= limit => break None,
            None => std::thread::sleep(POLL),
        }
    };
    // Also where it ended by itself: what it left running would keep its standard error open.
    kill_group(&child);
    // Killed: it ends at once.
    let _ = child.wait();
    let lines = reader.and_then(|reader| reader.join().ok()).and_then(Result::ok).unwrap_or_default();
    Ok(status.map(|status| exit_of(status, lines)))
}

/// Ends a child that leads a process group, and whatever it left running in it.
pub(super) fn kill_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // None may be left, which is what is wanted.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

fn exit_of(status: ExitStatus, lines: VecDeque<String>) -> Exit {
    let signal = status.signal();
    Exit { code: status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1), signal, lines }
}

/// Hands on the lines as they come, without secrets; the last of them.
fn hand_on(from: impl Read) -> std::io::Result<VecDeque<String>> {
    let (mut reader, mut lines, mut line) = (BufReader::new(from), VecDeque::new(), Vec::new());
    loop {
        let room = LINE_BYTES.saturating_sub(line.len() as u64);
        reader.by_ref().take(room).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(lines);
        }
        let goes_on = line.len() as u64 >= LINE_BYTES && !line.ends_with(b"\n");
        let rest = if goes_on { last_word(&mut line) } else { Vec::new() };
        let text = String::from_utf8_lossy(&line);
        let shown = redact_line(&text);
        // As it is where there is nothing to hide. The journal may have gone away; the program is not to be stopped for that.
        let _ = std::io::stderr().write_all(if shown == text { &line } else { shown.as_bytes() });
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(shown.replace(char::is_control, " "));
        line = rest;
    }
}

/// Takes the last word from a line that goes on: half an address would not be known for one.
fn last_word(line: &mut Vec<u8>) -> Vec<u8> {
    line.iter().rposition(u8::is_ascii_whitespace).map_or_else(Vec::new, |space| line.split_off(space + 1))
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
    fn what_takes_too_long_is_ended_with_its_children() {
        let within = |script: &str, limit| run_within(Command::new("sh").arg("-c").arg(script), limit).unwrap();
        let begin = Instant::now();
        assert!(within("sleep 600 & sleep 600", Duration::from_millis(200)).is_none());
        let exit = within("echo 'error: no route' >&2; exit 3", Duration::from_mins(1)).unwrap();
        assert_eq!((exit.code, &*exit.reason()), (3, "error: no route"));
        assert!(within("sleep 600 & exit 0", Duration::from_mins(1)).unwrap().succeeded());
        assert!(begin.elapsed() < Duration::from_mins(1));
    }

    #[test]
    fn secrets_are_not_handed_on() {
        let long = "x ".repeat(usize::try_from(LINE_BYTES).unwrap() / 2 - 10);
        for script in [
            "echo \"error: cannot fetch 'https://user:hush@host/x.git'\" >&2; exit 1".to_owned(),
            "printf 'error: access-tokens = github.com=hush' >&2; exit 1".to_owned(),
            // Across the bound of what is read at once.
            format!("printf '%s' 'error: {long}https://user:hush@host/x.git' >&2; exit 1"),
        ] {
            let exit = shell(&script);
            assert!(exit.reason().starts_with("error: "), "{}", exit.reason());
            assert!(exit.lines.iter().all(|line| !line.contains("hush")), "{:?}", exit.lines);
            assert!(!exit.lines.is_empty());
        }
        let long = shell(&format!("printf '%s' '{long} {long} end' >&2"));
        assert_eq!(long.lines.iter().next_back().unwrap().trim_end().rsplit(' ').next(), Some("end"));
    }

    #[test]
    fn much_output_is_not_kept() {
        let exit = shell("yes $(printf '%10000s' x) | head -n 1000 >&2");
        assert!(exit.succeeded());
        assert_eq!(exit.lines.len(), KEPT_LINES);
    }
}

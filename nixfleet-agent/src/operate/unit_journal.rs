//! What a run writes to systemd's journal, as it comes.
//!
//! As JSON, because each line then has its cursor: when the run is over, the follower is ended at once and what it had not
//! yet shown is read from its last cursor on.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::show::Show;
use crate::target::Programs;

/// journald may lag behind a process that has ended.
const LAG: Duration = Duration::from_millis(300);

/// Shows the lines of one run, by a child and a thread that reads from it.
#[derive(Debug)]
pub(super) struct UnitJournal {
    invocation_id: String,
    programs: Programs,
    show: Arc<dyn Show>,
    /// Absent where journalctl cannot be run.
    follower: Option<(Child, JoinHandle<()>)>,
    cursor: Arc<Mutex<Option<String>>>,
}

impl UnitJournal {
    /// Begins with the first line of the run, or behind this one.
    pub(super) fn follow(invocation_id: &str, programs: Programs, show: &Arc<dyn Show>, after: Option<String>) -> Self {
        let mut command = journalctl(&programs, invocation_id, after.as_deref(), &["--follow", "--lines=all"]);
        let cursor = Arc::new(Mutex::new(after));
        let follower = match command.stdout(Stdio::piped()).spawn() {
            Ok(mut child) => child.stdout.take().map(|stdout| {
                let (cursor, show) = (Arc::clone(&cursor), Arc::clone(show));
                let reading = thread::spawn(move || {
                    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                        show_line(&line, &*show, &cursor);
                    }
                });
                (child, reading)
            }),
            Err(error) => {
                show.line(&format!("cannot show what it writes, journalctl cannot be run: {error}"));
                None
            }
        };
        Self { invocation_id: invocation_id.to_owned(), programs, show: Arc::clone(show), follower, cursor }
    }

    /// The last line that was shown.
    pub(super) fn cursor(&self) -> Option<String> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows what is left, for a run that is over.
    pub(super) fn finish(mut self) {
        if self.follower.is_none() {
            return;
        }
        // Only root may ask journald to catch up.
        let mut sync = self.programs.command("journalctl", &["--sync"]);
        let synced = sync.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !synced.is_ok_and(|status| status.success()) {
            thread::sleep(LAG);
        }
        self.end();
        let mut command = journalctl(&self.programs, &self.invocation_id, self.cursor().as_deref(), &[]);
        if let Ok(output) = command.output() {
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                show_line(line, &*self.show, &self.cursor);
            }
        }
        if self.cursor().is_none() {
            self.show.line("what it wrote is not shown: that is for root and the group systemd-journal");
        }
    }

    fn end(&mut self) {
        if let Some((mut child, reading)) = self.follower.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
            let _ = reading.join();
        }
    }
}

impl Drop for UnitJournal {
    fn drop(&mut self) {
        self.end();
    }
}

fn journalctl(programs: &Programs, invocation_id: &str, after: Option<&str>, more: &[&str]) -> Command {
    let of_it = format!("_SYSTEMD_INVOCATION_ID={invocation_id}");
    let after = after.map(|cursor| format!("--after-cursor={cursor}"));
    let mut arguments = vec!["--quiet", "--no-pager", "--all", "--output=json", "--output-fields=MESSAGE"];
    arguments.extend(more);
    arguments.extend(after.as_deref());
    arguments.push(&of_it);
    let mut command = programs.command("journalctl", &arguments);
    // Ctrl-C is not for it: it is ended when following is.
    command.stdin(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command
}

fn show_line(line: &str, show: &dyn Show, cursor: &Mutex<Option<String>>) {
    // A line that the end of the follower cut is read again.
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return };
    if let Some(message) = message(&entry) {
        show.output(&message);
    }
    if let Some(position) = entry.get("__CURSOR").and_then(Value::as_str) {
        *cursor.lock().unwrap_or_else(PoisonError::into_inner) = Some(position.to_owned());
    }
}

/// journalctl writes what is not printable text as an array of bytes.
fn message(entry: &Value) -> Option<String> {
    match entry.get("MESSAGE")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(bytes) => {
            let bytes = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
            Some(String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn messages_as_journalctl_writes_them() {
        for (line, expected) in [
            (r#"{"__CURSOR":"s=1","MESSAGE":"hello"}"#, Some("hello")),
            (r#"{"MESSAGE":[27,91,51,49,109,104,105]}"#, Some("\u{1b}[31mhi")),
            (r#"{"MESSAGE":null}"#, None),
            (r#"{"MESSAGE":["a","b"]}"#, Some("")),
            ("{}", None),
        ] {
            assert_eq!(message(&serde_json::from_str(line).unwrap()).as_deref(), expected, "{line}");
        }
    }
}

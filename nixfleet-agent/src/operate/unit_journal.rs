//! What a run writes to systemd's journal, as it comes.
//!
//! As JSON, because each line then has its cursor: when the run is over, the follower is ended at once and what it had not
//! yet shown is read from its last cursor on.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::terminal::Terminal;

/// journald may lag behind a process that has ended.
const LAG: Duration = Duration::from_millis(300);

/// Shows the lines of one run, by a child and a thread that reads from it.
#[derive(Debug)]
pub(super) struct UnitJournal {
    invocation_id: String,
    terminal: Arc<Terminal>,
    /// Absent where journalctl cannot be run.
    follower: Option<(Child, JoinHandle<()>)>,
    cursor: Arc<Mutex<Option<String>>>,
}

impl UnitJournal {
    /// Begins with the first line of the run.
    pub(super) fn follow(invocation_id: &str, terminal: &Arc<Terminal>) -> Self {
        let cursor = Arc::new(Mutex::new(None));
        let mut command = journalctl(invocation_id);
        let follower = match command.args(["--follow", "--lines=all"]).stdout(Stdio::piped()).spawn() {
            Ok(mut child) => child.stdout.take().map(|stdout| {
                let (cursor, terminal) = (Arc::clone(&cursor), Arc::clone(terminal));
                let reading = thread::spawn(move || {
                    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                        show(&line, &terminal, &cursor);
                    }
                });
                (child, reading)
            }),
            Err(error) => {
                terminal.line(&format!("cannot show what it writes, journalctl cannot be run: {error}"));
                None
            }
        };
        Self { invocation_id: invocation_id.to_owned(), terminal: Arc::clone(terminal), follower, cursor }
    }

    /// Shows what is left, for a run that is over.
    pub(super) fn finish(mut self) {
        if self.follower.is_none() {
            return;
        }
        // Only root may ask journald to catch up.
        let synced = Command::new("journalctl").arg("--sync").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !synced.is_ok_and(|status| status.success()) {
            thread::sleep(LAG);
        }
        self.end();
        let cursor = self.cursor.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut command = journalctl(&self.invocation_id);
        if let Some(cursor) = &cursor {
            command.arg(format!("--after-cursor={cursor}"));
        }
        if let Ok(output) = command.output() {
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                show(line, &self.terminal, &self.cursor);
            }
        }
        if self.cursor.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.terminal.line("what it wrote is not shown: that is for root and the group systemd-journal");
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

fn journalctl(invocation_id: &str) -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--quiet", "--no-pager", "--all", "--output=json", "--output-fields=MESSAGE"]);
    command.arg(format!("_SYSTEMD_INVOCATION_ID={invocation_id}"));
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn show(line: &str, terminal: &Terminal, cursor: &Mutex<Option<String>>) {
    // A line that the end of the follower cut is read again.
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return };
    if let Some(message) = message(&entry) {
        terminal.line(&message);
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

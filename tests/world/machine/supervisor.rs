//! The shell that keeps a machine: see the file `supervise`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(2);

#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    commands: Mutex<Option<ChildStdin>>,
    answers: Mutex<Receiver<String>>,
}

impl Supervisor {
    /// A shell in namespaces of its own, made by `unshare` with these arguments. Its standard input is held by this
    /// process alone: whatever way this process ends, the shell reads the end and ends too.
    pub(super) fn start(unshare: &[&str], script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("unshare")
            .args(unshare)
            .args(["sh", "-c", script])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the test; the shell ends in order after it.
            .process_group(0)
            .spawn()
            .unwrap();
        let commands = Mutex::new(child.stdin.take());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, commands, answers: Mutex::new(answers) }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn tell(&self, command: &str) {
        writeln!(self.commands.lock().unwrap().as_mut().unwrap(), "{command}").unwrap();
    }

    /// The rest of the next answer, which must begin so.
    pub(super) fn answer(&self, beginning: &str, console: &Path) -> String {
        let answer =
            self.answers.lock().unwrap().recv_timeout(LIMIT).unwrap_or_else(|error| format!("nothing ({error})"));
        let Some(rest) = answer.strip_prefix(beginning) else {
            let console = std::fs::read_to_string(console).unwrap_or_default();
            panic!("the supervisor of a machine was to say {beginning:?} and said {answer}; its console:\n{console}");
        };
        rest.trim().to_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.get_mut().map(Option::take));
        let end = Instant::now() + LIMIT;
        while let Ok(None) = self.child.try_wait() {
            if Instant::now() > end {
                // What it keeps ends with it all the same.
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

//! A terminal, at which keys are typed when something is shown.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Ended, Home, NIXFLEET};

const LIMIT: Duration = Duration::from_mins(2);

/// A line of shell that runs on a terminal, and all that was shown there.
pub struct Terminal {
    child: Child,
    typed: ChildStdin,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// On a terminal of 24 rows, with `$NIXFLEET`.
    pub fn start(home: &Home, columns: u16, line: &str) -> Self {
        let line = format!("stty rows 24 cols {columns}; {line}");
        // Whoever runs tests in the background of a shell ignores the signal of Control-C, and so would all that they start.
        let mut command = home.command("env");
        command.args(["--default-signal=INT,QUIT", "script"]);
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("NIXFLEET", NIXFLEET);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (typed, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let shown = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut bytes) {
                seen.lock().unwrap().extend_from_slice(&bytes[..length]);
            }
        });
        Self { child, typed, shown, reader }
    }

    /// Waits until this was shown so often since the beginning.
    pub fn wait_for(&self, text: &str, times: usize) {
        let begin = Instant::now();
        while self.shown().matches(text).count() < times {
            assert!(begin.elapsed() < LIMIT, "{text:?} is not shown {times} times: {:?}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.typed.write_all(keys.as_bytes()).unwrap();
        self.typed.flush().unwrap();
    }

    /// The end of the line, and all that was shown.
    pub fn end(mut self) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > LIMIT {
                let _ = self.child.kill();
                panic!("it does not end: {:?}", self.shown());
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.join().unwrap();
        let stdout = String::from_utf8(self.shown.lock().unwrap().clone()).unwrap();
        Ended { code: status.code(), stdout, stderr: String::new() }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }
}

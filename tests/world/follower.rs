//! A command that runs in a machine, and what it has said so far.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr};

use crate::machine::Output;

/// A command that goes on, of which every word on standard error is kept.
#[derive(Debug)]
pub struct Follower {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Follower {
    /// Of a child whose standard output and standard error are pipes.
    pub fn of(mut child: Child) -> Self {
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Reads what it says until a line of it has these words.
    pub fn wait_for(&mut self, words: &str) {
        loop {
            let begin = self.said.len();
            let length = self.stderr.read_line(&mut self.said).unwrap();
            assert!(length > 0, "it ended without {words:?}: {}", self.said);
            if self.said[begin..].contains(words) {
                return;
            }
        }
    }

    /// Waits for its end; all that it said, from its beginning on.
    pub fn end(mut self) -> Output {
        let mut stdout = String::new();
        // Neither is much: none waits for the other to be read.
        self.stderr.read_to_string(&mut self.said).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        Output { code: self.child.wait().unwrap().code(), stdout, stderr: self.said }
    }
}

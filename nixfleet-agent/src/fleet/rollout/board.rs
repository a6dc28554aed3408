//! Progress of many hosts on standard error: lines with the host's name, and on a terminal one line of what goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use terminal_size::{Width, terminal_size_of};

use crate::operate::{Show, Terminal};

/// Where all hosts of a rollout show what they do.
#[derive(Debug)]
pub(crate) struct Board {
    terminal: Terminal,
    /// What each host does that does something.
    now: Mutex<BTreeMap<String, String>>,
    shows_output: bool,
}

/// The place of one host on the board.
#[derive(Debug)]
pub(crate) struct HostShow {
    board: Arc<Board>,
    host: String,
}

impl Board {
    pub(crate) fn new(shows_output: bool) -> Self {
        Self { terminal: Terminal::new(), now: Mutex::default(), shows_output }
    }

    /// A line about all hosts.
    pub(crate) fn line(&self, text: &str) {
        self.terminal.line(text);
        self.draw();
    }

    /// The place of a host.
    pub(crate) fn of(self: &Arc<Self>, host: &str) -> Arc<dyn Show> {
        Arc::new(HostShow { board: Arc::clone(self), host: host.to_owned() })
    }

    fn set(&self, host: &str, text: Option<&str>) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            // What stands behind the semicolon is for one who follows one host.
            Some(text) => now.insert(host.to_owned(), text.split(';').next().unwrap_or(text).to_owned()),
            None => now.remove(host),
        };
        drop(now);
        self.draw();
    }

    fn draw(&self) {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let columns = terminal_size_of(std::io::stderr()).map_or(80, |(Width(columns), _)| usize::from(columns));
        let text = line_of(&now, columns.saturating_sub(1));
        if !text.is_empty() {
            self.terminal.status(&text);
        }
    }
}

/// `web1: switch runs in build 12 s | web2: …`, with as many hosts as there is room for.
fn line_of(now: &BTreeMap<String, String>, columns: usize) -> String {
    let mut line = String::new();
    for (place, (host, text)) in now.iter().enumerate() {
        let next = if place == 0 { format!("{host}: {text}") } else { format!(" | {host}: {text}") };
        let left = now.len() - place;
        let more = format!(" | {left} more");
        let room = if left == 1 { 0 } else { more.chars().count() };
        if line.chars().count() + next.chars().count() + room > columns {
            line.push_str(&more);
            break;
        }
        line.push_str(&next);
    }
    line.chars().take(columns).collect()
}

impl Show for HostShow {
    fn line(&self, text: &str) {
        self.board.terminal.line(&format!("{}: {text}", self.host));
        self.board.draw();
    }

    fn output(&self, text: &str) {
        if self.board.shows_output {
            for line in text.lines() {
                self.board.terminal.line(&format!("{}| {line}", self.host));
            }
            self.board.draw();
        }
    }

    fn status(&self, text: &str) {
        self.board.set(&self.host, Some(text));
    }

    fn clear(&self) {
        self.board.terminal.clear();
        self.board.set(&self.host, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_never_wraps() {
        let of = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "pull runs 3 s".to_owned())).collect();
        assert_eq!(line_of(&of(&[]), 80), "");
        assert_eq!(line_of(&of(&["web1"]), 80), "web1: pull runs 3 s");
        assert_eq!(line_of(&of(&["web1", "web2"]), 80), "web1: pull runs 3 s | web2: pull runs 3 s");
        assert_eq!(line_of(&of(&["web1", "web2", "web3"]), 40), "web1: pull runs 3 s | 2 more");
        for columns in 0..60 {
            assert!(line_of(&of(&["web1", "web2", "web3"]), columns).chars().count() <= columns);
        }
    }
}

//! `nixfleet status --watch`, and terminals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

mod command;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use command::{Home, NIXFLEET, Terminal};
use nixfleet_core::model::HostStatus;
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::TestRepository;

const OPEN: &str = "\u{1b}[?1049h\u{1b}[?25l";
const CLOSE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// A server that hangs while the switch is on; it counts whoever waits.
struct SlowRemote {
    _repository: TestRepository,
    server: HttpServer,
    hangs: Arc<AtomicBool>,
    waiting: Arc<AtomicUsize>,
}

impl SlowRemote {
    fn start(hangs: bool) -> Self {
        let repository = TestRepository::new();
        let (hangs, waiting) = (Arc::new(AtomicBool::new(hangs)), Arc::new(AtomicUsize::new(0)));
        let (switch, count) = (Arc::clone(&hangs), Arc::clone(&waiting));
        let before = Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            while switch.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
            count.fetch_sub(1, Ordering::SeqCst);
        });
        let server = HttpServer::start(repository.root(), Behaviour { before: Some(before), ..Behaviour::default() });
        Self { _repository: repository, server, hangs, waiting }
    }
}

impl Drop for SlowRemote {
    fn drop(&mut self) {
        self.hangs.store(false, Ordering::SeqCst);
    }
}

fn checkout(remote: &SlowRemote) -> TestRepository {
    let repository = TestRepository::new();
    repository.git(&["remote", "add", "origin", &remote.server.url()]);
    repository
}

#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let home = Home::new();
    let repository = TestRepository::new();
    let repo = repository.path.display();
    let ended = home.shell(&format!("$NIXFLEET status --repo {repo} --watch 1 | head -n 3"));
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (3, ""));
    let ended = home.shell(&format!("$NIXFLEET status --repo {repo} --watch=1 --json | head -n 2"));
    assert_eq!(ended.stderr, "");
    let seen: Vec<HostStatus> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(seen.len() == 2 && seen[0].at < seen[1].at, "{seen:?}");
}

#[test]
fn a_remote_that_hangs_does_not_hold_up_the_lines() {
    let home = Home::new();
    let remote = SlowRemote::start(false);
    let repository = checkout(&remote);
    let mut command = home.command(NIXFLEET);
    command.args(["status", "--json", "--watch=1", "--check-interval=1", "--repo"]).arg(&repository.path);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<HostStatus>(&lines.next().unwrap().unwrap()).unwrap();
    let first = next();
    assert!(!first.compartments.git.reason.contains("not read yet"), "the first line rests on an answer");
    remote.hangs.store(true, Ordering::SeqCst);
    let begin = Instant::now();
    while remote.waiting.load(Ordering::SeqCst) == 0 {
        next();
        assert!(begin.elapsed() < Duration::from_mins(2), "the remote is asked again");
    }
    let hanging_since = next().at;
    let later = (next().at, next().at);
    assert!(later.0 > hanging_since && later.1 > later.0);
    assert_eq!(remote.waiting.load(Ordering::SeqCst), 1, "it hung all the time, and was asked once");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn on_a_terminal_the_table_comes_at_once_and_the_terminal_is_given_back() {
    let home = Home::new();
    let remote = SlowRemote::start(true);
    let repository = checkout(&remote);
    // The shell that notes the exit code must not end with the signal.
    let line =
        format!("trap : INT; $NIXFLEET status --watch --repo {}; echo code $?; stty -a", repository.path.display());
    for (key, code) in [("q", "code 0"), ("\u{3}", "code 130")] {
        let mut terminal = Terminal::start(&home, 100, &line);
        terminal.wait_for("the remote was not read yet", 1);
        terminal.wait_for(&format!("reading {}", remote.server.url()), 1);
        terminal.press(key);
        let ended = terminal.end();
        let screen = &ended.stdout;
        let (before, after) = screen.split_once(CLOSE).unwrap_or_else(|| panic!("not given back: {screen:?}"));
        assert!(before.starts_with(OPEN), "{screen:?}");
        assert!(before.contains("the remote was not read yet"), "{screen:?}");
        assert!(before.contains(&format!("reading {}", remote.server.url())), "{screen:?}");
        assert!(after.contains("Agent") && after.contains(code), "the last table stays: {after:?}");
        assert!(after.contains(" icanon") && after.contains(" echo "), "{after:?}");
    }
}

#[test]
fn without_colours_the_screen_is_still_used_and_a_dumb_terminal_gets_tables_only() {
    let home = Home::new();
    let repository = TestRepository::new();
    let status = format!("$NIXFLEET --color never status --watch=1 --repo {}", repository.path.display());
    let watched = |line: &str, tables: usize| {
        let mut terminal = Terminal::start(&home, 100, line);
        terminal.wait_for("NEXT STEP", tables);
        terminal.press("\u{3}");
        terminal.end()
    };
    let ended = watched(&status, 1);
    assert!(ended.stdout.contains(OPEN) && ended.stdout.contains(CLOSE), "{:?}", ended.stdout);
    assert!(!ended.stdout.contains("\u{1b}[1m"), "{:?}", ended.stdout);
    let ended = watched(&format!("TERM=dumb exec {status}"), 2);
    assert!(!ended.stdout.contains('\u{1b}'), "{:?}", ended.stdout);
    assert!(ended.stdout.matches("NEXT STEP").count() >= 2, "{:?}", ended.stdout);
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let home = Home::new();
    let repository = TestRepository::new();
    let told = home.path().join("told");
    let line = format!(
        "$NIXFLEET status --watch --repo {} & until [ -e {} ]; do sleep 0.1; done; kill $!; wait $!; echo code $?",
        repository.path.display(),
        told.display()
    );
    let terminal = Terminal::start(&home, 100, &format!("stty -tostop; {line}"));
    terminal.wait_for("NEXT STEP", 1);
    std::fs::write(told, "").unwrap();
    let ended = terminal.end();
    assert!(ended.stdout.contains(CLOSE) && ended.stdout.contains("code 143"), "{:?}", ended.stdout);
}

#[test]
fn a_wide_reason_is_wrapped_at_the_width_of_the_terminal() {
    let home = Home::new();
    let origin = TestRepository::new();
    let clone = origin.clone(&[]);
    let subject = "subject ".repeat(20);
    origin.commit("a.nix", "{ }", &subject);
    let line = format!("$NIXFLEET status --repo {}", clone.path.display());
    for columns in [50, 80, 132] {
        let ended = home.terminal(columns, &line);
        let plain = anstream::adapter::strip_str(&ended.stdout).to_string();
        assert!(ended.stdout.contains("\u{1b}[1m\u{1b}[33moutdated"), "{:?}", ended.stdout);
        assert_eq!(plain.matches("subject").count(), 20, "{plain}");
        assert!(plain.lines().all(|line| line.chars().count() <= columns.into()), "{columns}: {plain}");
    }
}

#[test]
fn a_slow_remote_gets_a_sign_of_life_on_a_terminal_only() {
    let home = Home::new();
    let remote = SlowRemote::start(true);
    let repository = checkout(&remote);
    let line = format!("$NIXFLEET status --timeout 3 --repo {}", repository.path.display());
    let ended = home.terminal(100, &line);
    let shown = format!("\rreading {} for ", remote.server.url());
    assert!(ended.stdout.contains(&shown), "{:?}", ended.stdout);
    let ended = home.status(&repository.path, &["--timeout", "3"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let home = Home::new();
    let repository = TestRepository::new();
    let watch = format!("$NIXFLEET status --watch --repo {}\n", repository.path.display());
    let mut terminal = Terminal::start(&home, 100, "exec bash --norc --noediting -i");
    terminal.press(&watch);
    terminal.wait_for("NEXT STEP", 1);
    terminal.press("\u{1a}");
    terminal.wait_for("Stopped", 1);
    terminal.press("fg\n");
    terminal.wait_for(OPEN, 2);
    terminal.wait_for("NEXT STEP", 2);
    terminal.press("q");
    terminal.wait_for(CLOSE, 2);
    terminal.press("exit\n");
    let ended = terminal.end();
    assert_eq!(ended.stdout.matches(OPEN).count(), 2, "{:?}", ended.stdout);
    assert_eq!(ended.stdout.matches(CLOSE).count(), 2, "{:?}", ended.stdout);
    assert!(ended.stdout.contains("Stopped"), "{:?}", ended.stdout);
}

#[test]
fn no_color_on_a_terminal() {
    let home = Home::new();
    let repository = TestRepository::new();
    let line = format!("NO_COLOR=1 $NIXFLEET status --repo {}", repository.path.display());
    let ended = home.terminal(100, &line);
    assert!(ended.stdout.contains("NEXT STEP") && !ended.stdout.contains('\u{1b}'), "{:?}", ended.stdout);
}

//! The journal on a real file system, written by several processes that may be killed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::observation::{Operation, OperationResult};
use nixfleet_core::state_directory::{
    CommitHeld, Ended, FoldContext, Journal, JournalContents, JournalEntry, StateDirectory,
};

/// A finished pull.
fn ended(invocation_id: String) -> JournalEntry {
    JournalEntry::Ended(Ended {
        exit_code: Some(0),
        detail: Some("up to date".to_owned()),
        ..Ended::new(Operation::Pull, invocation_id, Timestamp::UNIX_EPOCH, OperationResult::Success)
    })
}

fn journal(directory: &Path) -> Journal {
    StateDirectory::new(directory).journal()
}

fn journal_path(directory: &Path) -> PathBuf {
    directory.join("journal.jsonl")
}

/// How many pulls the journal tells of, dropped ones included.
fn total(contents: &JournalContents) -> u64 {
    let context = FoldContext { boot_id: None, live_invocations: None, now: Timestamp::UNIX_EPOCH };
    contents.history(&context).operations.pull.totals.get(&OperationResult::Success).copied().unwrap_or(0)
}

const WRITER: &str = "NIXFLEET_TEST_JOURNAL_WRITER";

/// In a process started by [`spawn_writer`]: appends, and says after each entry that it is safe. Never returns there.
fn be_a_writer_if_asked() {
    let Ok(arguments) = std::env::var(WRITER) else { return };
    let arguments: Vec<&str> = arguments.split('\n').collect();
    let [directory, name, count, maximum_bytes] = arguments.as_slice() else { panic!("{arguments:?}") };
    let maximum_bytes: u64 = maximum_bytes.parse().unwrap();
    let journal = journal(Path::new(directory)).with_bounds(maximum_bytes, usize::try_from(maximum_bytes / 2).unwrap());
    for number in 0..count.parse::<u64>().unwrap() {
        journal.append(&ended(format!("{name}-{number}"))).unwrap();
        eprintln!("safe");
    }
    std::process::exit(0);
}

/// This very test in another process, where it becomes a writer.
fn spawn_writer(test: &str, directory: &Path, name: &str, count: u64, maximum_bytes: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WRITER, format!("{}\n{name}\n{count}\n{maximum_bytes}", directory.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn count_safe(child: &mut Child) -> u64 {
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.map_while(Result::ok).filter(|line| line == "safe").count() as u64
}

#[test]
fn processes_append_at_once_and_no_line_is_lost_or_glued() {
    be_a_writer_if_asked();
    let test = "processes_append_at_once_and_no_line_is_lost_or_glued";
    // A journal that is never shortened, and one that is all the time.
    for maximum_bytes in [1 << 20, 4 << 10] {
        let directory = tempfile::tempdir().unwrap();
        let mut writers: Vec<_> =
            (0..4).map(|name| spawn_writer(test, directory.path(), &name.to_string(), 60, maximum_bytes)).collect();
        let journal = journal(directory.path());
        let mut seen = 0;
        while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
            let now = total(&journal.read().unwrap());
            assert!(now >= seen, "{now} after {seen}: a reader saw a journal that was half there");
            seen = now;
        }
        for mut writer in writers {
            assert!(writer.wait().unwrap().success());
            assert_eq!(count_safe(&mut writer), 60);
        }
        let contents = journal.read().unwrap();
        assert_eq!(contents.warnings.count, 0, "{:?}", contents.warnings);
        assert_eq!(total(&contents), 240);
        if maximum_bytes == 4 << 10 {
            assert!(journal_path(directory.path()).metadata().unwrap().len() <= 4 << 10);
        } else {
            assert_eq!(contents.entries.len(), 240);
        }
    }
}

#[test]
fn a_killed_writer_loses_nothing_that_was_safe() {
    be_a_writer_if_asked();
    let directory = tempfile::tempdir().unwrap();
    let (mut safe, mut killed) = (0, 0);
    for round in 0..20 {
        let name = format!("round-{round}");
        let test = "a_killed_writer_loses_nothing_that_was_safe";
        let mut writer = spawn_writer(test, directory.path(), &name, 1_000_000, 4 << 10);
        std::thread::sleep(Duration::from_millis(20 + round * 3));
        writer.kill().unwrap();
        writer.wait().unwrap();
        safe += count_safe(&mut writer);
        killed += 1;
        // An entry may be written and its writer killed before it could say so.
        let total = total(&journal(directory.path()).read().unwrap());
        assert!((safe..=safe + killed).contains(&total), "{total} of {safe} after {killed}");
    }
    assert!(safe > 0, "no writer got to write");
    journal(directory.path()).append(&ended("after".to_owned())).unwrap();
    assert!(total(&journal(directory.path()).read().unwrap()) > safe);
}

#[test]
fn a_torn_line_is_dropped_and_the_next_one_is_not_glued_to_it() {
    let whole = serde_json::to_string(&ended("torn".to_owned())).unwrap().replacen('{', "{\"version\":1,", 1);
    for length in 1..=whole.len() {
        let directory = tempfile::tempdir().unwrap();
        let journal = journal(directory.path());
        journal.append(&ended("before".to_owned())).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(journal_path(directory.path())).unwrap();
        file.write_all(&whole.as_bytes()[..length]).unwrap();

        // A line that lacks its newline only has all that it is to say.
        let complete = u64::from(length == whole.len());
        if length % 50 == 1 || complete == 1 {
            let contents = journal.read().unwrap();
            assert_eq!((total(&contents), contents.warnings.count), (1 + complete, 1 - complete));
            assert!(contents.warnings.first.iter().all(|warning| warning.to_string().starts_with("line 2 is cut off")));
        }
        journal.append(&ended("after".to_owned())).unwrap();
        let contents = journal.read().unwrap();
        assert_eq!((total(&contents), contents.warnings.count), (2 + complete, 1 - complete));
        if length > 50 {
            break;
        }
    }
}

#[test]
fn lines_that_mean_nothing_are_skipped_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let good = serde_json::to_string(&ended("1".to_owned())).unwrap().replacen('{', "{\"version\":1,", 1);
    let long = format!("{{\"version\":1,\"event\":\"ended\",\"detail\":\"{}\"}}", "x".repeat(1 << 20));
    let table = [
        ("\0\0\0\0".to_owned(), "line 2 is not valid JSON"),
        ("{\"version\":2,\"event\":\"ended\"}".to_owned(), "line 3 has format version 2"),
        ("{\"version\":1,\"event\":\"paused\"}".to_owned(), "line 4 tells of \"paused\""),
        ("{\"version\":1,\"event\":\"ended\"}".to_owned(), "line 5 is not an entry (missing field `operation`"),
        ("{\"version\":1}".to_owned(), "line 6 is not an entry"),
        (long, "line 7 is longer than 65536 bytes"),
        ("[]".to_owned(), "line 8 is not an entry"),
        ("[".repeat(60_000), "line 9 is not"),
    ];
    let lines: Vec<&str> = std::iter::once(good.as_str()).chain(table.iter().map(|(line, _)| line.as_str())).collect();
    let text =
        [lines.join("\n").as_bytes(), b"\n\xff\xfe\n\n", good.replace("\"1\"", "\"2\"").as_bytes(), b"\n"].concat();
    std::fs::write(journal_path(directory.path()), text).unwrap();
    let contents = journal(directory.path()).read().unwrap();
    assert_eq!(total(&contents), 2);
    assert_eq!(contents.warnings.count, 9);
    for ((_, expected), warning) in table.iter().zip(&contents.warnings.first) {
        assert!(warning.to_string().starts_with(expected), "{warning}: {expected}");
    }
    let problem = contents.problem().unwrap();
    assert!(problem.contains("line 2 is not valid JSON") && problem.contains("and 8 more"), "{problem}");
}

#[test]
fn warnings_are_bounded_and_the_lines_of_a_newer_nixfleet_survive_shortening() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(journal_path(directory.path()), "nonsense\n".repeat(1000) + "{\"version\":2,\"new\":true}\n")
        .unwrap();
    let journal = journal(directory.path());
    let warnings = journal.read().unwrap().warnings;
    assert_eq!((warnings.first.len(), warnings.count), (20, 1001));
    journal.with_bounds(1000, 500).append(&ended("1".to_owned())).unwrap();
    let text = std::fs::read_to_string(journal_path(directory.path())).unwrap();
    assert!(text.starts_with("{\"version\":1,\"event\":\"checkpoint\""), "{text}");
    assert!(text.contains("\n{\"version\":2,\"new\":true}\n") && !text.contains("nonsense"), "{text}");
}

#[test]
fn of_a_huge_journal_the_end_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(journal_path(directory.path())).unwrap();
    file.set_len(1 << 34).unwrap();
    drop(file);
    let journal = journal(directory.path());
    // Nothing but a hole, as a file system may leave after a crash; the append finds it too large and shortens it.
    journal.append(&ended("1".to_owned())).unwrap();
    let contents = journal.read().unwrap();
    assert_eq!((total(&contents), contents.warnings.count), (1, 0));
    assert!(journal_path(directory.path()).metadata().unwrap().len() < 1000);
}

#[test]
fn only_a_regular_file_is_a_journal() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/null", journal_path(directory.path())).unwrap();
    let journal = journal(directory.path());
    for message in
        [journal.read().unwrap_err().to_string(), journal.append(&ended("1".to_owned())).unwrap_err().to_string()]
    {
        assert!(message.contains("is a symbolic link, not a regular file"), "{message}");
    }
}

#[test]
fn entries_that_no_reader_could_use_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let journal = journal(directory.path());
    let too_long = {
        let JournalEntry::Ended(mut ended) = ended("1".to_owned()) else { unreachable!() };
        ended.store_path = Some("x".repeat(70_000).into());
        JournalEntry::Ended(ended)
    };
    assert!(journal.append(&too_long).unwrap_err().to_string().contains("more than 65536"));
    assert!(journal.append(&ended(String::new())).unwrap_err().to_string().contains("no invocation id"));
    assert!(journal.read().unwrap().entries.is_empty());
}

#[test]
fn a_lock_that_is_held_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let held = JournalEntry::Held(CommitHeld { at: Timestamp::UNIX_EPOCH, revision: "a".repeat(40).parse().unwrap() });
    journal(directory.path()).append(&held).unwrap();
    let lock = std::fs::File::open(directory.path().join("journal.lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let appender = scope.spawn(|| journal(directory.path()).append(&held));
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(journal(directory.path()).read().unwrap().entries.len(), 1, "readers do not wait");
        // The journal is replaced while the appender waits.
        let path = journal_path(directory.path());
        std::fs::copy(&path, directory.path().join("copy")).unwrap();
        std::fs::rename(directory.path().join("copy"), &path).unwrap();
        drop(lock);
        appender.join().unwrap().unwrap();
    });
    assert_eq!(journal(directory.path()).read().unwrap().entries.len(), 2, "it is in the journal that has the name");
}

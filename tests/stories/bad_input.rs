//! Whatever lies in the place of a host's files: the scrape succeeds, says what it could not read, keeps the other
//! compartments, loses nothing, and is whole again once a valid file is back.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nixfleet_core::state_directory::JournalEntry;
use world::damage::Damage::{
    self, HasAtItsEnd, Holds, IsADirectory, IsAFifo, IsCutInHalf, IsGone, LeadsTo, MayNotBeRead,
};
use world::damage::{content_of, copy, remove, short};
use world::example_host::ExampleHost;
use world::exporter::Exporter;
use world::programs::{NO_ANSWER_YET, User, run};
use world::states::letters;

/// One row: a damage, then what the five are, which sources are told as unreadable, and words of the reasons.
type Row = (Damage, &'static str, &'static [&'static str], &'static str);

/// A host with its exporter, which reads it as another user where the tests run as root.
struct World {
    host: ExampleHost,
    user: User,
    exporter: Exporter,
}

impl World {
    fn new() -> Self {
        let (host, user) = (ExampleHost::new(), User::nobody());
        // Where a source hangs, each scrape takes three tenths of this.
        let patience = "--collect.timeout=20s".to_owned();
        let exporter = Exporter::start(&user, [&host.options()[..], &[patience]].concat());
        Self { host, user, exporter }
    }

    /// Does all of this to one file, one after the other.
    fn try_on(&self, path: &Path, rows: Vec<Row>) {
        for (damage, states, unreadable, words) in rows {
            let what = format!("{} {}", path.display(), short(&damage));
            let kept = path.with_file_name("kept-by-the-test");
            copy(path, &kept);
            damage.inflict(path);
            let broken = content_of(path);
            self.see(&what, states, unreadable, words);
            assert_eq!(content_of(path), broken, "{what}: it was changed");
            if path.symlink_metadata().is_ok() {
                remove(path);
            }
            fs::rename(&kept, path).unwrap();
            self.host.agent_lives();
            let healed = self.exporter.scrape();
            let seen = (healed.states(), healed.unreadable());
            assert_eq!(seen, ("GGGGG".to_owned(), vec![]), "{what}, healed:\n{}", healed.text);
        }
    }

    /// The exporter and `nixfleet status` agree on these states.
    fn see(&self, what: &str, states: &str, unreadable: &[&str], words: &str) {
        if states.starts_with('G') {
            self.host.agent_lives();
        }
        let scrape = self.exporter.scrape();
        let command = [&["status".to_owned(), "--json".to_owned()], &self.host.options()[..]].concat();
        let mut ended = self.user.nixfleet(&command);
        for _ in 0..20 {
            if !ended.stdout.contains(NO_ANSWER_YET) || letters(&ended.status()) == states {
                break;
            }
            ended = self.user.nixfleet(&command);
        }
        let said = format!("{what}:\n{}\nlog: {}", ended.said(), self.exporter.log());
        assert_eq!(ended.exit_code, Some(0), "{said}");
        assert_eq!(scrape.states(), states, "{said}");
        assert_eq!(scrape.unreadable(), unreadable, "{said}");
        assert_eq!(letters(&ended.status()), states, "{said}");
        assert!(ended.stdout.contains(words), "no word of {words:?}: {said}");
        assert_eq!(self.exporter.get("/").status, 200, "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// What can be wrong with any file of one JSON object.
fn rows_of_a_whole_file(states: &'static str, source: &'static [&'static str], newer_words: &'static str) -> Vec<Row> {
    let newer = Damage::text("{\"version\":2,\"something\":\"new\"}");
    let mut rows: Vec<Row> = [
        Damage::text(""),
        Damage::text("garbage"),
        Damage::text("{\"version\":1}"),
        Damage::text("[]"),
        Holds(vec![0; 4096]),
        Holds(b"\xff\xfe{}".to_vec()),
        Holds("[".repeat(1_000_000).into_bytes()),
        IsCutInHalf,
        IsADirectory,
        IsAFifo,
        LeadsTo("/dev/zero"),
        LeadsTo("/etc/passwd"),
        MayNotBeRead,
    ]
    .into_iter()
    .map(|damage| (damage, states, source, ""))
    .collect();
    rows.push((newer, states, source, newer_words));
    rows
}

#[test]
fn the_sign_of_life() {
    let world = World::new();
    let mut rows = rows_of_a_whole_file("-GGGG", &["agent"], "a newer nixfleet wrote it");
    rows.push((IsGone, "-GGGG", &[], "no sign of life from nixfleet-agent yet"));
    world.try_on(&world.host.runtime.path.join("agent.json"), rows);
}

#[test]
fn the_record_of_the_remote() {
    let world = World::new();
    let mut rows = rows_of_a_whole_file("G--GG", &["remote"], "a newer nixfleet wrote it");
    rows.push((IsGone, "G--GG", &[], "the remote was not read yet"));
    world.try_on(&world.host.state.path.join("remote.json"), rows);

    let mut rows = rows_of_a_whole_file("GGGGG", &["remote"], "");
    rows.push((IsGone, "GGGGG", &[], ""));
    world.try_on(&world.host.runtime.path.join("remote-attempt.json"), rows);
}

#[test]
fn the_record_of_pull_requests() {
    let world = World::new();
    let mut rows = rows_of_a_whole_file("GGGGG", &["pull_requests"], "pull requests could not be read");
    // Members that are not known are left out: this is a valid file.
    rows.retain(|row| !matches!(&row.0, Holds(bytes) if bytes == b"{\"version\":1}"));
    rows.push((Damage::text("{\"version\":1}"), "GGGGG", &[], ""));
    rows.push((IsGone, "GGGGG", &[], ""));
    world.try_on(&world.host.state.path.join("pull-request.json"), rows);
}

#[test]
fn the_results_of_single_tests() {
    let world = World::new();
    // The journal knows the run's result: only the single tests are not known.
    let mut rows = rows_of_a_whole_file("GGGGG", &["tests"], "\"reason\":\"the run passed 1");
    rows.push((IsGone, "GGGGG", &[], "\"reason\":\"the run passed 1"));
    world.try_on(&world.host.state.path.join("tests.json"), rows);
}

#[test]
fn the_journal() {
    let world = World::new();
    let unreadable = &["journal"][..];
    let torn = b"{\"version\":1,\"event\":\"ended\",\"operation\":\"switch\",\"invocation";
    let rows: Vec<Row> = vec![
        (HasAtItsEnd(torn), "GGGGG", unreadable, ""),
        (HasAtItsEnd(b"{\"version\":2,\"event\":\"ended\",\"operation\":\"fly\"}\n"), "GGGGG", unreadable, ""),
        (HasAtItsEnd(b"garbage\n\xff\xfe\n{}\n[]\n\n"), "GGGGG", unreadable, ""),
        (HasAtItsEnd(&[0; 4096]), "GGGGG", unreadable, ""),
        // What is deployed is known from the running system, which tests ran is not.
        (Damage::text("garbage\n"), "GGGG-", unreadable, "lines of the journal"),
        (Damage::text(""), "GGGGY", &[], "tests were never run"),
        (IsGone, "GGGGY", &[], "tests were never run"),
        (IsADirectory, "GGGG-", unreadable, "is a directory"),
        (IsAFifo, "GGGG-", unreadable, "is a FIFO"),
        (LeadsTo("/dev/zero"), "GGGG-", unreadable, "is a symbolic link"),
        (MayNotBeRead, "GGGG-", unreadable, "Permission denied"),
    ];
    world.try_on(&world.host.state.path.join("journal.jsonl"), rows);
}

#[test]
fn the_lock_of_the_flake() {
    let world = World::new();
    let unreadable = &["lock"][..];
    let cycle = r#"{"version":7,"root":"root","nodes":{"root":{"inputs":{"a":["b"],"b":["a"]}}}}"#;
    let deep = format!(r#"{{"version":7,"root":"root","nodes":{{"root":{}"#, r#"{"inputs":"#.repeat(200_000));
    let other_version = r#"{"version":99,"root":"root","nodes":{"root":{}}}"#;
    let rows: Vec<Row> = vec![
        (Damage::text(""), "GGYGG", &[], "flake.lock is empty"),
        (Damage::text("garbage"), "GGYGG", &[], "not valid JSON"),
        (IsCutInHalf, "GGYGG", &[], "cut off"),
        (Holds(vec![b' '; 20 * 1024 * 1024]), "GGYGG", &[], "flake.lock is"),
        (Holds(deep.into_bytes()), "GGYGG", &[], "flake.lock"),
        (Damage::text(cycle), "GGYGG", &[], "follow each other in a circle"),
        (Holds(b"\xff\xfe{}".to_vec()), "GGYGG", &[], "not UTF-8"),
        (Damage::text(other_version), "GGYGG", &[], "version 99"),
        (Damage::text("<<<<<<< ours\n=======\n>>>>>>> theirs\n"), "GGYGG", &[], "merge conflict"),
        (IsGone, "GG-GG", &[], "no flake.lock in the local repository"),
        (IsADirectory, "GG-GG", unreadable, "not a file"),
        (IsAFifo, "GG-GG", unreadable, "not a file"),
        (LeadsTo("/etc/passwd"), "GG-GG", unreadable, "out of the repository"),
        (LeadsTo("flake.lock"), "GG-GG", unreadable, "flake.lock"),
        (MayNotBeRead, "GG-GG", unreadable, "Permission denied"),
    ];
    world.try_on(&world.host.checkout().join("flake.lock"), rows);
}

#[test]
fn the_repository() {
    let world = World::new();
    let unreadable = &["lock", "repository"][..];
    let rows: Vec<Row> = vec![
        (IsGone, "G----", &[], "no local repository yet"),
        (IsADirectory, "G----", unreadable, "is not a Git repository"),
        (IsAFifo, "G----", unreadable, ""),
        (LeadsTo("nowhere"), "G----", unreadable, ""),
        (MayNotBeRead, "G----", unreadable, ""),
    ];
    world.try_on(&world.host.checkout(), rows);

    let rows: Vec<Row> = vec![
        (Damage::text(""), "G---G", unreadable, "cannot read"),
        (Damage::text("garbage"), "G---G", unreadable, "cannot read"),
        (Holds(vec![0; 4096]), "G---G", unreadable, "cannot read"),
        (Damage::text(&format!("{}\n", "1".repeat(40))), "G---G", unreadable, "cannot read HEAD"),
        (Damage::text("ref: refs/heads/nothing\n"), "GYG-G", &[], "no commit yet"),
        (IsADirectory, "G---G", unreadable, ""),
    ];
    world.try_on(&world.host.checkout().join(".git/HEAD"), rows);
}

#[test]
fn the_running_system() {
    let world = World::new();
    let root = |inside: &str| world.host.root.on_host(inside);
    let rows: Vec<Row> = vec![
        (LeadsTo("/nix/store/gone"), "GGG--", &["system"], "/nix/store/gone"),
        (LeadsTo("current-system"), "GGG--", &["system"], ""),
        (IsADirectory, "GGG--", &["system"], ""),
        (IsAFifo, "GGG--", &["system"], ""),
    ];
    world.try_on(&root("/run/current-system"), rows);
    let rows: Vec<Row> = vec![(LeadsTo("/nix/store/gone"), "GGGGG", &["system"], ""), (IsGone, "GGGGG", &[], "")];
    world.try_on(&root("/run/booted-system"), rows);
    let rows: Vec<Row> = vec![
        (LeadsTo("system-99-link"), "GGGGG", &[], ""),
        (LeadsTo("system"), "GGGGG", &[], ""),
        (IsGone, "GGGGG", &[], ""),
    ];
    world.try_on(&root("/nix/var/nix/profiles/system"), rows);
    let rows: Vec<Row> = vec![(LeadsTo("/nix/store/gone"), "GGGGG", &[], ""), (IsGone, "GGGGG", &[], "")];
    world.try_on(&root("/nix/var/nix/profiles/system-39-link"), rows);
    let rows: Vec<Row> = vec![(MayNotBeRead, "GGGGG", &["generations"], ""), (IsGone, "GGGGG", &[], "")];
    world.try_on(&root("/nix/var/nix/profiles"), rows);
}

#[test]
fn a_clock_that_was_set_back() {
    let world = World::new();
    let host = &world.host;
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let mut heartbeat = host.runtime.read_agent().unwrap().unwrap();
    heartbeat.heartbeat_at = tomorrow;
    host.runtime.write_agent(&heartbeat).unwrap();
    let mut remote = host.state.read_remote().unwrap().unwrap();
    (remote.confirmed_at, remote.first_seen_at) = (tomorrow, tomorrow);
    host.state.write_remote(&remote).unwrap();
    let mut attempt = host.runtime.read_remote_attempt().unwrap().unwrap();
    (attempt.at, attempt.last_success_at) = (tomorrow, Some(tomorrow));
    host.runtime.write_remote_attempt(&attempt).unwrap();
    let mut tests = host.state.read_tests().unwrap().unwrap();
    (tests.started_at, tests.ended_at) = (tomorrow, Some(tomorrow));
    host.state.write_tests(&tests).unwrap();
    let journal = host.state.path.join("journal.jsonl");
    let entries = host.state.journal().read().unwrap().entries;
    fs::remove_file(&journal).unwrap();
    for mut entry in entries {
        match &mut entry {
            JournalEntry::Started(started) => started.at = tomorrow,
            JournalEntry::Progress(progress) => progress.at = tomorrow,
            JournalEntry::Ended(ended) => ended.at = tomorrow,
            _ => {}
        }
        host.state.journal().append(&entry).unwrap();
    }
    world.see("all files are from tomorrow", "-GGGG", &[], "in the future: the clock was set back");
    host.agent_lives();
    world.see("the agent lives", "GGGGG", &[], "");
    attempt.error = Some("cannot reach example.org".to_owned());
    (attempt.failures_in_a_row, attempt.failing_since) = (9, Some(tomorrow - Duration::from_hours(1)));
    host.runtime.write_remote_attempt(&attempt).unwrap();
    world.see("the remote failed for an hour of the former time", "GRRGG", &[], "cannot reach example.org");
}

#[test]
fn a_wrong_configuration_is_said_at_the_start() {
    let (host, user) = (ExampleHost::new(), User::new());
    let unknown_key = r#"{ "hosts": "web1" }"#;
    let wrong_type = r#"{ "host": 1 }"#;
    let table: [(Damage, &str); 10] = [
        (Damage::text(unknown_key), "unknown field `hosts`"),
        (Damage::text(wrong_type), "expected a string at line 1"),
        (Damage::text(r#"{ "tests": { "directory": "/etc" } }"#), "must lie inside the repository"),
        (Damage::text(""), "EOF"),
        (Damage::text("garbage"), "not valid"),
        (Holds(vec![b' '; 2 * 1024 * 1024]), "larger than 1 MiB"),
        (IsADirectory, "not a file"),
        (IsAFifo, "not a file"),
        (LeadsTo("nowhere"), "No such file"),
        (IsGone, "No such file"),
    ];
    for (damage, words) in table {
        let kept = host.config.with_file_name("kept-by-the-test");
        copy(&host.config, &kept);
        damage.inflict(&host.config);
        let status = user.nixfleet([&["status".to_owned()], &host.options()[..]].concat());
        let mut exporter = user.command("nixfleet-exporter");
        let exporter = run(exporter.args(host.options()).args(["--web.listen-address", "127.0.0.1:0"]));
        for ended in [&status, &exporter] {
            assert_eq!(ended.exit_code, Some(1), "{damage:?}: {ended:?}");
            assert_eq!(ended.stdout, "", "{damage:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{damage:?}: {}", ended.stderr);
            assert!(ended.stderr.contains(&host.config.display().to_string()), "{damage:?}: {}", ended.stderr);
        }
        assert!(exporter.stderr.contains(words), "{damage:?}: {}", exporter.stderr);
        assert!(status.stderr.contains(words), "{damage:?}: {}", status.stderr);
        if host.config.symlink_metadata().is_ok() {
            remove(&host.config);
        }
        fs::rename(&kept, &host.config).unwrap();
    }
    let mut status = user.command("nixfleet");
    status.arg("status").args(host.options()).stdout(Stdio::null());
    assert_eq!(run(&mut status).exit_code, Some(0));
}

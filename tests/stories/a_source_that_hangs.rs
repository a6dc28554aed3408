//! A disk that never answers. A FIFO in the place of a file that libgit2 reads hangs the reading thread for as long as
//! nobody writes to it, as a dead network file system would.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use world::example_host::ExampleHost;
use world::exporter::Exporter;
use world::programs::User;

/// The exporter waits so long for each scrape, and three tenths of that for the repository.
const LIMIT: &str = "--collect.timeout=10s";

fn start(user: &User, host: &ExampleHost) -> Exporter {
    Exporter::start(user, [&host.options()[..], &[LIMIT.to_owned()]].concat())
}

/// The repository hangs from here on; what was in the way of the FIFO is kept under the path that is given back.
fn hang(host: &ExampleHost) -> (PathBuf, PathBuf) {
    let index = host.checkout().join(".git/index");
    let kept = index.with_file_name("index.kept");
    fs::rename(&index, &kept).unwrap();
    assert!(Command::new("mkfifo").arg(&index).status().unwrap().success());
    fs::set_permissions(&index, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    (index, kept)
}

#[test]
fn a_repository_that_hangs_costs_its_own_compartments_only() {
    let (host, user) = (ExampleHost::new(), User::nobody());
    let exporter = start(&user, &host);
    exporter.scrape_until("well", |scrape| scrape.states() == "GGGGG");
    let idle = exporter.threads();
    let (fifo, kept) = hang(&host);

    // A person who asks is told within a bearable time, and the program ends although the reading still hangs.
    let (person, command) =
        (User::nobody(), [&["status".to_owned(), "--json".to_owned()], &host.options()[..]].concat());
    let asked = thread::spawn(move || {
        let started = Instant::now();
        (person.nixfleet(command), started.elapsed())
    });
    for _ in 0..3 {
        host.agent_lives();
        let started = Instant::now();
        let scrape = exporter.scrape();
        assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
        assert_eq!(scrape.states(), "G----", "{}", scrape.text);
        assert_eq!(scrape.unreadable(), ["lock", "repository"]);
        assert!(scrape.value("nixfleet_system_generation").is_some(), "the others are read");
        assert_eq!(exporter.get("/-/healthy").status, 200);
    }
    assert!(exporter.threads() <= idle + 1, "{} threads, {idle} before", exporter.threads());
    let page = exporter.get("/").text;
    assert!(page.contains("the repository did not answer within 3s"), "{page}");

    let (ended, took) = asked.join().unwrap();
    assert_eq!(ended.exit_code, Some(0), "{ended:?}");
    assert!(ended.status().compartments.git.reason.contains("did not answer"), "{ended:?}");
    assert!(took < Duration::from_mins(2), "{took:?}");

    fs::rename(&kept, &fifo).unwrap();
    host.agent_lives();
    // Whoever hangs at the former FIFO does so until the process ends: the disk is dead, not slow.
    assert_eq!(exporter.scrape().states(), "G----");
    assert_eq!(exporter.stop(), Some(0), "it can be stopped although a reading hangs");
    let exporter = start(&user, &host);
    host.agent_lives();
    exporter.scrape_until("healed", |scrape| scrape.states() == "GGGGG");
}

#[test]
fn a_repository_that_answers_again_heals() {
    let (host, user) = (ExampleHost::new(), User::nobody());
    let exporter = start(&user, &host);
    let (fifo, kept) = hang(&host);
    assert_eq!(exporter.scrape().states(), "G----");
    // The one who hangs gets an answer at last: the end of the file.
    drop(fs::OpenOptions::new().write(true).open(&fifo).unwrap());
    fs::rename(&kept, &fifo).unwrap();
    host.agent_lives();
    exporter.scrape_until("healed", |scrape| scrape.states() == "GGGGG");
}

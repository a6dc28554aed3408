//! The disk is full: where the state lies, and where Nix builds. What failed is said with what to do, nothing that was
//! there is lost, and it works again when there is room.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{FleetHost, LIMIT};
use world::machine::{Image, Machine};

const FILLER: &str = "filler";

/// A file system of its own for a directory, with the content that is there, and so much room in all.
fn own_file_system(machine: &Machine, directory: &str, size: &str) {
    machine.shell(&format!(
        "mkdir /mnt/own && mount -t tmpfs -o mode=755,size={size} own /mnt/own && cp --archive {directory}/. /mnt/own/ && \
         chown --reference={directory} /mnt/own && mount --bind /mnt/own {directory}"
    ));
}

/// Leaves this much room in the directory's file system.
fn fill(machine: &Machine, directory: &str, room_bytes: u64) {
    machine.shell(&format!(
        "rm -f {directory}/{FILLER}; free=$(($(stat --file-system --format '%a * %S' {directory}))); \
         fallocate --length $((free - {room_bytes})) {directory}/{FILLER}"
    ));
}

fn make_room(machine: &Machine, directory: &str) {
    machine.succeed(&["rm", &format!("{directory}/{FILLER}")]);
}

const STATE: &str = "/var/lib/nixfleet";

#[test]
fn where_the_state_lies() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    machine.shell(&format!("install -d -o nixfleet -g nixfleet {STATE}"));
    own_file_system(&machine, STATE, "32M");
    let host = FleetHost::settled(&machine);
    let files = || {
        let files = ["journal.jsonl", "remote.json", "tests.json"];
        files.map(|file| machine.read(format!("{STATE}/{file}")))
    };
    let before = files();
    host.remote.set_host("web1", "  etc.\"number\" = \"1\";");
    let commit = host.remote.commit("one");

    // Not a byte: no operation begins, for it could not be told.
    fill(&machine, STATE, 0);
    let expected = format!("cannot write {STATE}/journal.jsonl: the disk is full");
    // The block that the journal ends in may have some room left.
    machine.wait_until("the journal cannot grow any more", LIMIT, || host.must_fail("pull").contains(&expected));
    let journal = &files()[0];
    assert!(journal.starts_with(&before[0]), "{journal}");
    let before = [journal.clone(), before[1].clone(), before[2].clone()];
    for operation in ["pull", "switch", "test", "rollback"] {
        let said = host.must_fail(operation);
        assert!(said.contains(&expected) && said.contains("free some space"), "{operation}: {said}");
        assert!(!said.contains("panicked"), "{operation}: {said}");
        assert!(files() == before, "{operation} changed a file: {:?}", files());
        host.see(operation, "-GGGG");
        host.readable_scrape(&["state_directory"]);
        let reason = host.reason("system");
        assert!(reason.contains("; the disk of /var/lib/nixfleet is full, so no operation can begin"), "{reason}");
    }
    assert!(!host.runs(&commit));
    // An exporter that starts on a full disk tells the same.
    machine.succeed(&["systemctl", "restart", "nixfleet-exporter.service"]);
    host.see("an exporter on a full disk", "-GGGG");

    // Room for the journal, none for what the remote has.
    let mut noise = world::random::Random::of("disk full");
    host.remote.write("large", &noise.lines(50_000));
    let commit = host.remote.commit("large");
    fill(&machine, STATE, 128 * 1024);
    let head = host.reason("git");
    let said = host.must_fail("pull");
    let run = host.last_run("pull");
    assert_eq!(run.results, ["failed"], "{run:?} {said}");
    assert!(run.detail.contains("space"), "{}", run.detail);
    assert!(files()[0].starts_with(&before[0]), "the former entries are there");
    assert_eq!(files()[1..], before[1..]);
    let states = host.scrape().states();
    assert_eq!(states, "-GGGG", "row 28, as far as the tip is known: {head}");
    machine.succeed_as("nixfleet", &["git", "-C", "/var/lib/nixfleet/repo", "fsck", "--no-progress"]);

    make_room(&machine, STATE);
    host.must("pull");
    host.see("there is room again: row 14", "-GGYG");
    host.readable_scrape(&[]);
    host.must("switch");
    assert!(host.runs(&commit));
    host.must("test");
    host.see("all is well", "-GGGG");
    assert!(files()[0].starts_with(&before[0]), "nothing was lost");
}

#[test]
fn where_nix_builds() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    machine.succeed(&["systemctl", "stop", "nix-daemon.socket", "nix-daemon.service"]);
    own_file_system(&machine, "/nix", "64M");
    machine.succeed(&["systemctl", "start", "nix-daemon.socket"]);
    let host = FleetHost::settled(&machine);
    let before = host.running_system();
    let system = format!("{}-linux", std::env::consts::ARCH);
    let script = "mkdir -p $out/bin; head --bytes 8000000 /dev/urandom >$out/large";
    let builder = format!("builder = \"/bin/sh\"; args = [ \"-euc\" \"{script}\" ]; PATH = \"/usr/bin:/bin\";");
    let package = format!("derivation {{ name = \"large\"; system = \"{system}\"; {builder} }}");
    let commit = host.pulled_with(&format!("  packages = [ ({package}) ];"), "large");

    for (room, phases) in [(4_000_000, &["build"][..]), (0, &["build", "evaluation"])] {
        fill(&machine, "/nix", room);
        let said = host.must_fail("switch");
        let run = host.last_run("switch");
        assert_eq!(run.results, ["failed"], "{said}");
        let reason = host.reason("system");
        assert!(phases.iter().any(|phase| reason.contains(&format!("switch failed in {phase}"))), "{room}: {reason}");
        assert!(run.exit_code.is_some_and(|code| code != 0), "{run:?}");
        let full = ["No space left", "is full"].iter().any(|words| reason.contains(words));
        assert!(full, "{room}: {reason}\n{said}");
        assert_eq!(host.running_system(), before);
        host.see("row 7", "-GGRG");
    }
    make_room(&machine, "/nix");
    host.must("switch");
    assert!(host.runs(&commit));
    host.see("there is room again: row 4", "-GGGY");
}

//! One machine is moved from another one, over a real sshd and the D-Bus of its systemd.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::thread;
use std::time::Duration;

use serde_json::Value;
use world::desk::{Desk, NIXFLEET};
use world::fleet_host::FleetHost;
use world::follower::Follower;
use world::machine::{Image, Machine, Network};

const LIMIT: Duration = Duration::from_mins(4);

fn boot_two(image: &Image) -> (Machine, Machine, Network) {
    let boot = |name| {
        let image = image.clone();
        thread::spawn(move || Machine::boot(&image, name))
    };
    let (desk, web1) = (boot("desk"), boot("web1"));
    let (desk, web1) = (desk.join().unwrap(), web1.join().unwrap());
    let network = Network::connect(&[&desk, &web1]);
    (desk, web1, network)
}

/// Nothing of a command is left on either side.
fn nothing_is_left(desk: &Machine, web1: &Machine) {
    desk.wait_until("nothing is left here", LIMIT, || {
        desk.shell("pgrep --exact ssh || true; ls -d /tmp/nixfleet-* 2>/dev/null || true").is_empty()
    });
    web1.wait_until("nothing is left there", LIMIT, || {
        web1.shell("pgrep --full '[s]ystemd-stdio-bridge|[t]ail --follow|[j]ournalctl.*--follow' || true").is_empty()
    });
}

#[test]
fn an_update_from_the_desk() {
    let Some(image) = Image::get() else { return };
    let (desk, web1, _network) = boot_two(&image);
    let host = FleetHost::install(&web1);
    let person = Desk::install(&desk);
    person.may_enter(&web1, "root", "/root");
    web1.shell("ln -s /opt/nixfleet/bin/nixfleet /usr/local/bin/nixfleet");
    let at = "root@web1";

    let never = person.expect(1, &["--host", at, "logs", "switch"]);
    assert!(never.stderr.contains("start one with `nixfleet --host root@web1 switch`"), "{}", never.stderr);
    let pull = person.expect(0, &["--host", at, "pull"]);
    assert!(pull.stderr.contains("pull succeeded"), "{}", pull.stderr);
    assert!(pull.stdout.starts_with("web1  ") && pull.stdout.contains("\nGit "), "the table: {}", pull.stdout);
    let switch = person.expect(0, &["switch", "--json", "--host", at]);
    let told: Value = serde_json::from_str(&switch.stdout).unwrap();
    let first = host.remote.git(&["rev-parse", "HEAD"]);
    assert_eq!((&told["operation"], &told["result"]), (&"switch".into(), &"success".into()), "{told}");
    assert_eq!((&told["revision"], &told["phase"]), (&first.clone().into(), &"activation".into()), "{told}");
    assert_eq!(told["status"]["compartments"]["system"]["state"], "ok", "{told}");
    let test = person.expect(0, &["--host", at, "test"]);
    assert!(test.stderr.contains("all is well"), "a test's words, as they come: {}", test.stderr);
    assert_eq!(host.states(), "-GGGG");
    let logs = person.expect(0, &["--host", at, "logs", "test"]);
    assert!(logs.stdout.contains("all is well") && !logs.stdout.contains("pull"), "{}", logs.stdout);

    let there: Value = serde_json::from_str(&person.expect(0, &["--host", at, "status", "--json"]).stdout).unwrap();
    assert_eq!(there["compartments"]["tests"]["state"], "ok", "{there}");
    // A key ends it after the third look.
    let seen = "grep --only-matching --text 'web1.\\[0m  20' /tmp/watched | wc --lines";
    let keys = format!("until test \"$({seen})\" -ge 3; do sleep 0.2; done; printf q");
    desk.write("/tmp/watched", "");
    let watched =
        desk.shell(&format!("({keys}) | script -qfec '{NIXFLEET} --host {at} status --watch 1' /tmp/watched"));
    assert!(watched.matches("web1\u{1b}[0m  20").count() >= 3, "it is looked at again and again: {watched}");
    let list: Value = serde_json::from_str(&person.expect(0, &["--host", at, "generations", "--json"]).stdout).unwrap();
    assert_eq!(list[0]["revision"], first.as_str(), "{list}");
    let held = person.expect(0, &["--host", at, "hold", &first[..7]]);
    assert!(held.stderr.starts_with(&format!("{first} is held")), "{}", held.stderr);
    person.expect(0, &["--host", at, "release", &first]);
    let wrong = person.expect(1, &["--host", at, "hold", "$(touch /hacked) '; touch /hacked"]);
    assert!(wrong.stderr.contains("is not a commit id"), "{}", wrong.stderr);
    assert!(!web1.exists("/hacked") && !desk.exists("/hacked"));

    host.remote.set_test("web1", "20-fails", "#!/bin/sh\necho it broke\nexit 3\n");
    host.remote.commit("a test that fails");
    person.expect(0, &["--host", at, "pull"]);
    person.expect(0, &["--host", at, "switch"]);
    let test = person.expect(5, &["--host", at, "test"]);
    assert!(test.stderr.contains("it broke") && test.stderr.contains("test failed in tests: "), "{}", test.stderr);
    let rollback = person.expect(0, &["--host", at, "rollback", "--to", "1"]);
    assert!(rollback.stderr.contains("rollback succeeded"), "{}", rollback.stderr);
    let unknown = person.expect(5, &["--host", at, "rollback", "--to", "99"]);
    assert!(unknown.stderr.contains("there is no generation 99"), "{}", unknown.stderr);
    let idle = person.expect(1, &["--host", at, "cancel"]);
    assert!(idle.stderr.contains("there is nothing to cancel"), "{}", idle.stderr);
    nothing_is_left(&desk, &web1);
}

#[test]
fn who_may_not_enter_is_told_why_and_never_waited_for() {
    let Some(image) = Image::get() else { return };
    let (desk, web1, network) = boot_two(&image);
    let _host = FleetHost::install(&web1);
    let person = Desk::install(&desk);
    web1.shell("ln -s /opt/nixfleet/bin/nixfleet /usr/local/bin/nixfleet");
    let refused = |destination: &str, command: &[&str], words: &[&str]| {
        let output = person.expect(1, &[&["--host", destination], command].concat());
        assert!(words.iter().all(|words| output.stderr.contains(words)), "{destination}: {}", output.stderr);
        assert_eq!((output.stdout.as_str(), output.stderr.lines().count()), ("", 1), "one sentence: {}", output.stderr);
    };
    refused("root@web1", &["pull"], &["cannot connect to root@web1", "its host key is not known here"]);
    person.may_enter(&web1, "alice", "/home/alice");
    refused("root@web1", &["switch"], &["Permission denied (publickey)", "`ssh-copy-id`"]);
    refused("nowhere", &["status"], &["cannot connect to nowhere", "check the name"]);
    refused("root@web1:1", &["pull"], &["Connection refused"]);

    // A user who may enter, and may not start anything: polkit says no, and the sentence says who may.
    for command in [&["pull"][..], &["switch", "--json"], &["rollback", "--to", "1"], &["test", "--no-wait"]] {
        refused("alice@web1", command, &["may not start nixfleet-", "of alice@web1", "`nixfleet --host root@web1 "]);
    }
    let looked = person.expect(0, &["--host", "alice@web1", "status"]);
    assert!(looked.stdout.starts_with("web1  "), "everybody may look: {}", looked.stdout);

    // A login that only a password opens: nobody is asked for one.
    web1.shell("useradd --create-home bob; echo bob:secret | chpasswd");
    web1.write(
        "/etc/ssh/sshd_config.d/00-bob.conf",
        "Match User bob\nPasswordAuthentication yes\nAuthenticationMethods password\n",
    );
    web1.succeed(&["systemctl", "restart", "ssh.service"]);
    refused("bob@web1", &["pull"], &["Permission denied (password)", "never asks for a password"]);
    let terminal = format!("{NIXFLEET} --host bob@web1 pull");
    let on_terminal = desk.run(&["script", "--quiet", "--return", "--command", &terminal, "/dev/null"]);
    assert_eq!(on_terminal.code, Some(1), "{}", on_terminal.stdout);
    assert!(!on_terminal.stdout.contains("'s password:"), "{}", on_terminal.stdout);

    // No nixfleet there.
    web1.shell("mv /usr/local/bin/nixfleet /root/away");
    refused("alice@web1", &["status"], &["has no nixfleet for this user", "is nixfleet set up there"]);
    web1.shell("mv /root/away /usr/local/bin/nixfleet");

    // Another key than the known one.
    web1.shell("mv /etc/ssh/ssh_host_ed25519_key /root/; mv /etc/ssh/ssh_host_ed25519_key.pub /root/");
    web1.shell("ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh.service");
    refused("alice@web1", &["status"], &["not the known one", "a new host or an attack"]);
    web1.shell("mv /root/ssh_host_ed25519_key* /etc/ssh/; systemctl restart ssh.service");
    person.expect(0, &["--host", "alice@web1", "status"]);

    // A network that swallows everything.
    web1.succeed(&["ip", "link", "set", "eth0", "down"]);
    refused("alice@web1", &["status"], &["cannot connect to alice@web1", "is it up"]);
    web1.succeed(&["ip", "link", "set", "eth0", "up"]);
    nothing_is_left(&desk, &web1);
    drop(network);
}

#[test]
fn a_connection_that_is_cut_ends_nothing() {
    let Some(image) = Image::get() else { return };
    let (desk, web1, _network) = boot_two(&image);
    let host = FleetHost::install(&web1);
    let person = Desk::install(&desk);
    person.may_enter(&web1, "root", "/root");
    web1.shell("ln -s /opt/nixfleet/bin/nixfleet /usr/local/bin/nixfleet");
    let follow = || {
        let mut follower = Follower::of(desk.start("root", &[NIXFLEET, "--host", "root@web1", "switch"]));
        follower.wait_for("it is slow");
        follower
    };
    person.expect(0, &["--host", "root@web1", "pull"]);
    person.expect(0, &["--host", "root@web1", "switch"]);
    let script = "echo it is slow >&2; until test -e /srv/go; do sleep 0.2; done; echo it goes on >&2";
    host.remote.set_host("web1", &format!("  preSwitchCheck = \"{script}\";"));
    host.remote.commit("slow");
    person.expect(0, &["--host", "root@web1", "pull"]);

    // Cut for a moment: following goes on, without a line lost or shown twice.
    let mut follower = follow();
    web1.shell("pkill --full '[s]shd-session: root'");
    follower.wait_for("the connection is there again");
    web1.write("/srv/go", "");
    let follower = follower.end();
    assert_eq!(follower.code, Some(0), "{}", follower.stderr);
    assert_eq!(follower.stderr.matches("it goes on").count(), 1, "{}", follower.stderr);
    assert_eq!(follower.stderr.matches("it is slow").count(), 1, "shown before, and not again: {}", follower.stderr);
    assert!(follower.stderr.contains("switch succeeded") && follower.stdout.contains("\nSystem  ok"), "{follower:?}");

    // Ctrl-C, and cancel by another one.
    web1.shell("rm /srv/go");
    host.remote.commit("slow again");
    person.expect(0, &["--host", "root@web1", "pull"]);
    let follower = follow();
    desk.shell("pkill --signal INT --exact nixfleet");
    let follower = follower.end();
    assert_eq!((follower.code, follower.stdout.as_str()), (Some(130), ""), "{}", follower.stderr);
    assert!(follower.stderr.contains("`nixfleet --host root@web1 cancel switch` ends it"), "{}", follower.stderr);
    assert_eq!(host.states().chars().nth(3), Some('B'), "it goes on");
    let cancelled = person.expect(0, &["--host", "root@web1", "cancel", "switch"]);
    assert!(cancelled.stderr.contains("nixfleet-switch.service runs no more"), "{}", cancelled.stderr);
    nothing_is_left(&desk, &web1);

    // Killed: nothing of it stays on either side, and the switch goes on.
    let follower = follow();
    desk.shell("pkill --signal KILL --exact nixfleet");
    drop(follower.end());
    assert_eq!(host.states().chars().nth(3), Some('B'), "it goes on");
    nothing_is_left(&desk, &web1);

    // Cut for good: the command says so and ends; the switch does not.
    let follower = follow();
    web1.succeed(&["ip", "link", "set", "eth0", "down"]);
    let follower = follower.end();
    assert_eq!(follower.code, Some(7), "{}", follower.stderr);
    let last = follower.stderr.lines().last().unwrap();
    assert!(last.contains("the switch goes on there: `nixfleet --host root@web1 logs --follow switch`"), "{last}");
    assert_eq!(host.states().chars().nth(3), Some('B'), "it goes on");
    web1.write("/srv/go", "");
    web1.wait_until("the switch ended", LIMIT, || host.results().last().unwrap() == "switch success");
    web1.succeed(&["ip", "link", "set", "eth0", "up"]);
    let status = person.expect(0, &["--host", "root@web1", "status"]);
    assert!(status.stdout.contains("\nSystem  ok"), "{}", status.stdout);
    nothing_is_left(&desk, &web1);
}

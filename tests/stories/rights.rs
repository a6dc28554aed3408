//! What the user nixfleet may not do on a host, whatever it tries: it pulls, builds and starts the operations of nixfleet, and
//! that is all.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::FleetHost;
use world::machine::{Image, Machine};

const SYSTEMD: [&str; 3] =
    ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"];

#[test]
fn the_user_nixfleet_gets_no_further() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    machine.shell("echo secret >/root/secret; chmod 600 /root/secret");
    let before = (host.running_system(), machine.link_target("/nix/var/nix/profiles/system"));
    let running = host.running_system().unwrap();
    let by_bus = |arguments: &[&'static str]| [&["busctl", "call"], &SYSTEMD[..], arguments].concat();
    let touch = "touch /run/was-here";
    let transient = by_bus(&[
        "StartTransientUnit",
        "ssa(sv)a(sa(sv))",
        "evil.service",
        "fail",
        "1",
        "ExecStart",
        "a(sasb)",
        "1",
        "/bin/touch",
        "2",
        "/bin/touch",
        "/run/was-here",
        "false",
        "0",
    ]);
    // An operation's name with something of its own in it.
    let disguised = by_bus(&[
        "StartTransientUnit",
        "ssa(sv)a(sa(sv))",
        "nixfleet-rollback@77.service",
        "fail",
        "1",
        "ExecStart",
        "a(sasb)",
        "1",
        "/bin/touch",
        "2",
        "/bin/touch",
        "/run/was-here",
        "false",
        "0",
    ]);
    let refused: Vec<Vec<&str>> = vec![
        // Other units, and other things with its own.
        vec!["systemctl", "--no-ask-password", "start", "ssh.service"],
        vec!["systemctl", "--no-ask-password", "stop", "ssh.service"],
        vec!["systemctl", "--no-ask-password", "stop", "nixfleet-exporter.service"],
        vec!["systemctl", "--no-ask-password", "stop", "nixfleet-agent.service"],
        vec!["systemctl", "--no-ask-password", "kill", "nixfleet-pull.service"],
        vec!["systemctl", "--no-ask-password", "start", "nixfleet-rollback@x.service"],
        vec!["systemctl", "--no-ask-password", "enable", "nixfleet-agent.service"],
        vec!["systemctl", "--no-ask-password", "mask", "ssh.service"],
        vec!["systemctl", "--no-ask-password", "link", "/var/lib/nixfleet/evil.service"],
        vec!["systemctl", "--no-ask-password", "set-environment", "PATH=/var/lib/nixfleet"],
        vec!["systemctl", "--no-ask-password", "set-property", "nixfleet-switch.service", "CPUWeight=1"],
        vec!["systemctl", "--no-ask-password", "daemon-reexec"],
        vec!["systemctl", "--no-ask-password", "poweroff"],
        // A unit made up on the spot, as root.
        vec!["systemd-run", "--no-ask-password", "sh", "-c", touch],
        vec!["systemd-run", "--no-ask-password", "--unit=nixfleet-rollback@77.service", "sh", "-c", touch],
        transient,
        disguised,
        by_bus(&["Reboot"]),
        // To be somebody else.
        vec!["sudo", "--non-interactive", "true"],
        vec!["su", "root", "-c", touch],
        vec!["setpriv", "--reuid=0", "sh", "-c", touch],
        // The system, and what root keeps.
        vec!["nix-env", "--profile", "/nix/var/nix/profiles/system", "--set", &running],
        vec!["ln", "--symbolic", "--force", "--no-dereference", "/tmp", "/nix/var/nix/profiles/system"],
        vec!["ln", "--symbolic", "--force", "--no-dereference", "/tmp", "/run/current-system"],
        vec!["sh", "-c", "echo evil >/etc/systemd/system/nixfleet-pull.service"],
        vec!["sh", "-c", "echo '{}' >/etc/nixfleet/config.json"],
        vec!["sh", "-c", "echo evil >/opt/nixfleet/bin/nixfleet-agent"],
        vec!["sh", "-c", "touch \"$0/evil\"", &running],
        vec!["cat", "/root/secret"],
        vec!["cat", "/etc/shadow"],
        vec!["ls", "/root"],
    ];
    machine.write("/var/lib/nixfleet/evil.service", format!("[Service]\nExecStart=/bin/{touch}\n"));
    for command in &refused {
        let tried = machine.run_as("nixfleet", command);
        assert!(tried.code.is_some_and(|code| code != 0 && code != 124), "{command:?}: {tried:?}");
        assert!(!tried.stdout.contains("secret"), "{command:?}: {tried:?}");
    }
    assert!(!machine.exists("/run/was-here"), "something ran as root");
    assert_eq!((host.running_system(), machine.link_target("/nix/var/nix/profiles/system")), before);
    assert_eq!(machine.succeed(&["systemctl", "is-active", "ssh.service"]), "active");
    host.see("nothing came of it", "-GGGG");

    // Nor from within a build or a test, which run what the repository says.
    host.remote.set_test(
        "web1",
        "20-tries",
        "#!/bin/sh\nfor try in 'cat /root/secret' 'systemctl --no-ask-password start ssh.service' 'touch /etc/evil' \
         'touch /var/lib/evil' 'touch /usr/evil' 'kill 1' 'sudo -n true'; do $try && exit 1; done; exit 0\n",
    );
    host.remote.commit("a test that tries");
    host.must("pull");
    host.must("switch");
    host.must("test");
    host.see("all was refused", "-GGGG");
    assert!(!machine.journal("nixfleet-test.service").lines().any(|line| line.trim() == "secret"));
}

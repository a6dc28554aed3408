//! A switch that has to be confirmed: it stays where the host still reaches its remote, and is undone by the host itself
//! where it does not, whatever happens meanwhile.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use nixfleet_core::model::HostStatus;
use world::fleet_host::FleetHost;
use world::machine::{Image, Machine};

const LIMIT: Duration = Duration::from_mins(4);
const NIXFLEET: &str = "/opt/nixfleet/bin/nixfleet";
const AGENT: &str = "nixfleet-agent.service";
const SWITCH: &str = "nixfleet-switch.service";

/// A host that runs what its repository asks for, with its agent; from now on a switch has to be confirmed.
fn careful<'a>(machine: &'a Machine, confirm: &str) -> FleetHost<'a> {
    let host = FleetHost::install(machine);
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal(SWITCH));
    host.configure(&format!(r#", "confirm": {{ "enable": true, {confirm} }}"#));
    machine.succeed(&["systemctl", "start", AGENT]);
    wait_for(&host, "GGGGG");
    host
}

fn wait_for(host: &FleetHost<'_>, states: &str) {
    let machine = host.machine;
    let what = format!("{states} after {}\n{}\n{}", host.states(), machine.journal(AGENT), machine.journal(SWITCH));
    machine.wait_until(&what, LIMIT, || host.states() == states);
}

/// What the next boot starts: by the boot loader and by the profile.
fn boots(machine: &Machine) -> (Option<String>, String) {
    let profile = machine.succeed(&["readlink", "--canonicalize", "/nix/var/nix/profiles/system"]);
    (machine.link_target("/boot/default-system"), profile)
}

/// Without a scrape beside it, which may see a later moment.
fn reason(host: &FleetHost<'_>) -> String {
    let status: HostStatus = serde_json::from_str(&host.status_json()).unwrap();
    status.compartments.system.reason
}

fn agent_program(machine: &Machine) -> String {
    machine.shell(&format!("readlink /proc/$(systemctl show --property=MainPID --value {AGENT})/exe || true"))
}

/// Brings a commit with these lines and waits until its switch waits for the confirmation; the system before it.
fn begin(host: &FleetHost<'_>, lines: &str) -> String {
    let machine = host.machine;
    let before = host.running_system().unwrap();
    host.remote.set_host("web1", lines);
    host.remote.commit("another system");
    assert!(host.start("pull"));
    machine.succeed(&["systemctl", "start", "--no-block", SWITCH]);
    machine.wait_until("it waits for its confirmation", LIMIT, || reason(host).ends_with(": confirmation"));
    assert_ne!(host.running_system().unwrap(), before, "the new system runs already");
    assert_eq!(boots(machine), (Some(before.clone()), before.clone()), "but the next boot does not know it");
    assert_eq!(host.states().chars().nth(3), Some('B'));
    before
}

#[test]
fn the_agent_of_the_new_system_reaches_the_remote() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = careful(&machine, r#""timeout_seconds": 60"#);
    // The new system has another agent. It is the one that has to prove itself.
    machine.shell("cp -r /opt/nixfleet /opt/nixfleet-new");
    host.remote.set_host(
        "web1",
        r#"  etc."systemd/system/nixfleet-agent.service.d/new.conf" =
    "[Service]\nExecStart=\nExecStart=/opt/nixfleet-new/bin/nixfleet-agent --unit %n run\n";"#,
    );
    host.remote.commit("a new agent");
    assert!(host.start("pull"));
    let switch = machine.run(&[NIXFLEET, "switch"]);
    assert_eq!(switch.code, Some(0), "{}", switch.stderr);
    assert!(switch.stderr.contains("waiting 60 s at most for the agent to reach the remote"), "{}", switch.stderr);
    assert!(switch.stderr.contains(": the agent reached the remote"), "{}", switch.stderr);
    assert!(agent_program(&machine).contains("-new/"), "{}", agent_program(&machine));
    let now = host.running_system().unwrap();
    assert_eq!(boots(&machine), (Some(now.clone()), now.clone()));
    wait_for(&host, "GGGGG");
    let journal = machine.read("/var/lib/nixfleet/journal.jsonl");
    assert!(journal.contains(r#""phase":"confirmation""#) && journal.contains("falls_back_to"), "{journal}");

    // The same system once more: there is nothing to confirm.
    assert!(host.start("switch"), "{}", machine.journal(SWITCH));
    assert!(machine.journal(SWITCH).contains("there is nothing to confirm"));
}

#[test]
fn a_switch_that_cuts_the_network_is_undone() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    // The remote is behind a network interface that the configuration governs.
    machine.shell(
        "ip netns add forge && ip link add uplink type veth peer name eth0 netns forge && \
         ip address add 10.77.0.2/24 dev uplink && ip -n forge address add 10.77.0.1/24 dev eth0 && \
         ip -n forge link set eth0 up && ip -n forge link set lo up",
    );
    let uplink = |state: &str| {
        format!(
            "  units.\"uplink.service\" = \"[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n\
             ExecStart=/usr/sbin/ip link set uplink {state}\\n\";"
        )
    };
    let host = FleetHost::install(&machine);
    host.remote.set_host("web1", &uplink("up"));
    host.remote.commit("a network");
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal(SWITCH));
    let serve = "setpriv --reuid nixfleet --regid nixfleet --clear-groups \
                 git daemon --base-path=/srv --export-all --listen=10.77.0.1 --reuseaddr";
    let mut daemon = machine.start("root", &["sh", "-c", &format!("exec ip netns exec forge {serve}")]);
    host.configure_remote(
        "git://10.77.0.1/configuration",
        "",
        r#", "confirm": { "enable": true, "timeout_seconds": 40 }, "remote": { "connect_timeout_seconds": 3 },
           "agent": { "policy": { "pull": "on", "switch": "on" } }"#,
    );
    machine.wait_until("the remote answers", LIMIT, || {
        machine.run_as("nixfleet", &["git", "ls-remote", "git://10.77.0.1/configuration"]).success()
    });
    machine.succeed(&["systemctl", "start", AGENT]);
    // The remote has another address now, which the agent does not know to be news.
    machine.succeed(&["systemctl", "reload", AGENT]);
    wait_for(&host, "GGGGG");

    let before = host.running_system().unwrap();
    host.remote.set_host("web1", &uplink("down"));
    host.remote.commit("a mistake");
    machine.succeed(&["systemctl", "reload", AGENT]);
    machine.wait_until("the switch waits", LIMIT, || reason(&host).ends_with(": confirmation"));
    assert!(machine.shell("ip -oneline link show uplink").contains("state DOWN"), "it is cut off");
    wait_for(&host, "GGGRG");
    assert_eq!(host.running_system().unwrap(), before);
    assert_eq!(boots(&machine), (Some(before.clone()), before.clone()));
    let told = reason(&host);
    assert!(told.contains("switch failed in confirmation"), "{told}");
    assert!(told.contains("not confirmed within 40 s: the agent cannot read the remote: "), "{told}");
    assert!(told.ends_with("; the previous system runs again"), "{told}");

    // It is not tried again and again, and the next commit is.
    let known = host.results();
    host.look();
    assert_eq!(host.results(), known);
    host.remote.set_host("web1", &uplink("up"));
    let repaired = host.remote.commit("repaired");
    machine.succeed(&["systemctl", "reload", AGENT]);
    let version = || machine.succeed(&["/run/current-system/sw/bin/nixos-version", "--json"]);
    machine.wait_until("the repaired one runs", LIMIT, || version().contains(&repaired));
    wait_for(&host, "GGGGG");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

#[test]
fn a_switch_whose_agent_does_not_start_is_undone() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = careful(&machine, r#""timeout_seconds": 8"#);
    let before = host.running_system().unwrap();
    host.remote.set_host(
        "web1",
        r#"  etc."systemd/system/nixfleet-agent.service.d/broken.conf" =
    "[Service]\nExecStart=\nExecStart=/bin/false\n";"#,
    );
    host.remote.commit("a mistake");
    assert!(host.start("pull"));
    let switch = machine.run(&[NIXFLEET, "switch"]);
    assert_eq!(switch.code, Some(5), "{}", switch.stderr);
    assert!(switch.stderr.contains("the agent gave no sign of life"), "{}", switch.stderr);
    assert_eq!(host.running_system().unwrap(), before);
    machine.wait_until("its own agent runs again", LIMIT, || agent_program(&machine).contains("/opt/nixfleet/"));
    wait_for(&host, "GGGRG");

    // An activation that fails does not stay either: nobody would know whether it is good.
    host.remote
        .set_host("web1", "  units.\"broken.service\" = \"[Service]\\nType=oneshot\\nExecStart=/bin/false\\n\";");
    host.remote.commit("another mistake");
    assert!(host.start("pull") && !host.start("switch"));
    assert_eq!(host.running_system().unwrap(), before);
    let told = reason(&host);
    assert!(told.contains("switch failed in activation") && told.contains("the previous system runs again"), "{told}");
    assert!(machine.run(&["systemctl", "cat", "broken.service"]).stdout.is_empty());
}

#[test]
fn a_command_confirms_and_the_new_system_says_which() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let script = "echo 'error: the shop is closed' >&2; exit 3";
    let confirm = format!(r#""timeout_seconds": 30, "command": ["/bin/sh", "-c", "{script}"]"#);
    let host = careful(&machine, &confirm);
    let before = begin(&host, "");
    wait_for(&host, "GGGRG");
    assert_eq!(host.running_system().unwrap(), before);
    let told = reason(&host);
    assert!(told.contains("not confirmed within 30 s: /bin/sh failed (exit 3): error: the shop is closed"), "{told}");

    // A command that never ends.
    host.configure(r#", "confirm": { "enable": true, "timeout_seconds": 3, "command": ["sleep", "1000"] }"#);
    host.remote.set_host("web1", "");
    host.remote.commit("one more system");
    assert!(host.start("pull") && !host.start("switch"));
    wait_for(&host, "GGGRG");
    assert!(reason(&host).contains("not confirmed within 3 s: sleep did not end"), "{}", reason(&host));
    machine.wait_until("nothing of it is left", LIMIT, || machine.shell("pgrep --exact sleep || true").is_empty());

    // The way back may fail, too. Then both are said, and a boot starts what was before.
    host.remote.set_host("web1", "  activation = ''test \"$NIXOS_ACTION\" != test || test ! -e /run/closed'';");
    host.remote.commit("a system that does not come back");
    host.configure("");
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal(SWITCH));
    wait_for(&host, "GGGGG");
    host.configure(r#", "confirm": { "enable": true, "timeout_seconds": 3, "command": ["false"] }"#);
    let before = host.running_system().unwrap();
    machine.write("/run/closed", "");
    host.remote.set_host("web1", "");
    host.remote.commit("never confirmed");
    assert!(host.start("pull") && !host.start("switch"));
    let told = reason(&host);
    assert!(told.contains("the previous system runs again, but an activation script failed"), "{told}");
    assert_eq!(host.running_system().unwrap(), before);
    machine.shell("rm /run/closed");

    // It may not even begin.
    machine.shell(&format!("mount --bind /bin/false {before}/bin/switch-to-configuration"));
    host.remote.set_host("web1", "");
    host.remote.commit("never confirmed, and no way back");
    assert!(host.start("pull") && !host.start("switch"));
    let told = reason(&host);
    assert!(told.contains("not confirmed within 3 s") && told.contains("because going back to /nix/store/"), "{told}");
    assert!(told.ends_with("a reboot starts the system before it"), "{told}");
    assert_ne!(host.running_system().unwrap(), before);
    assert_eq!(boots(&machine), (Some(before.clone()), before.clone()));
    machine.shell(&format!("umount {before}/bin/switch-to-configuration && {before}/bin/switch-to-configuration test"));

    // A commit mends the command.
    host.remote.set_host(
        "web1",
        r#"  activation = ''echo '{ "host": "web1", "repository": { "url": "file:///srv/configuration", "branch": "main" },
    "confirm": { "enable": true, "command": ["true"] } }' >/etc/nixfleet/config.json'';"#,
    );
    host.remote.commit("another command");
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal(SWITCH));
    assert!(machine.journal(SWITCH).contains("true succeeded"), "{}", machine.journal(SWITCH));
    wait_for(&host, "GGGGG");
}

#[test]
fn whatever_ends_the_wait_the_previous_system_comes_back() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = careful(&machine, r#""timeout_seconds": 600, "command": ["test", "-e", "/run/confirmed"]"#);
    // Falling back resets failed units: one that is over by then is not failed any more.
    let ended_as = |before: &str, known: usize, result: &str, letter: char, is_reset: bool| {
        machine.wait_until("the end was recorded", LIMIT, || host.results().len() > known);
        assert_eq!(host.results().last().unwrap(), &format!("switch {result}"), "{}", machine.journal(SWITCH));
        assert_eq!(host.states().chars().nth(3), Some(letter), "{result}: {}", reason(&host));
        assert_eq!(host.running_system().unwrap(), before, "{result}: {}", machine.journal(SWITCH));
        assert_eq!(boots(&machine), (Some(before.to_owned()), before.to_owned()));
        let unit = || machine.run(&["systemctl", "is-active", SWITCH]).stdout.trim().to_owned();
        machine.wait_until("the unit ended", LIMIT, || ["failed", "inactive"].contains(&&*unit()));
        assert_eq!(unit(), if is_reset { "inactive" } else { "failed" }, "{result}");
        let told = reason(&host);
        assert!(told.ends_with("not confirmed, and the previous system runs again"), "{told}");
    };

    let before = begin(&host, "");
    let known = host.results().len();
    machine.succeed(&[NIXFLEET, "cancel"]);
    ended_as(&before, known, "stopped", 'R', false);

    begin(&host, "");
    let known = host.results().len();
    machine.succeed(&["systemctl", "kill", "--kill-whom=main", "--signal=KILL", SWITCH]);
    ended_as(&before, known, "killed", 'Y', false);

    begin(&host, "");
    let known = host.results().len();
    machine.succeed(&["systemctl", "kill", "--signal=KILL", SWITCH]);
    // Also with the program that would have undone it and recorded the end.
    ended_as(&before, known, "killed", 'Y', true);

    begin(&host, "");
    let known = host.results().len();
    host.run_out_of_time("switch");
    ended_as(&before, known, "timed-out", 'Y', false);

    // Stopped in the activation itself, half done.
    host.remote.set_host("web1", "  activation = \"touch /run/half; sleep 1000\";");
    host.remote.commit("slow");
    assert!(host.start("pull"));
    let known = host.results().len();
    machine.succeed(&["systemctl", "start", "--no-block", SWITCH]);
    machine.wait_until("it is half done", LIMIT, || machine.exists("/run/half"));
    machine.succeed(&["systemctl", "stop", SWITCH]);
    ended_as(&before, known, "stopped", 'R', false);
    assert!(machine.journal(SWITCH).contains("falling back to "), "its units and files were put back, too");

    // Another system, activated by hand while this one waits: it stays.
    begin(&host, "");
    let known = host.results().len();
    let commit = host.remote.commit("by hand");
    let by_hand = host.remote.build(&commit, "web1");
    machine.succeed(&["nixos-rebuild", "switch", "--store-path", &by_hand]);
    machine.wait_until("the wait ended", LIMIT, || host.results().len() > known);
    assert_eq!(host.results().last().unwrap(), "switch failed");
    assert_eq!(host.running_system().unwrap(), by_hand);
    assert!(reason(&host).contains("another system was activated"), "{}", reason(&host));
    host.configure("");
    assert!(host.start("pull") && host.start("switch"));
}

#[test]
fn a_power_loss_while_it_waits_boots_the_previous_system() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = careful(&machine, r#""timeout_seconds": 600, "command": ["test", "-e", "/run/confirmed"]"#);
    for (name, end) in [("power loss", Machine::power_loss as fn(&Machine)), ("shutdown", Machine::shut_down)] {
        let before = begin(&host, "");
        end(&machine);
        machine.boot_again();
        machine.succeed(&["systemctl", "start", "nixfleet-exporter.socket"]);
        assert_eq!(host.running_system().unwrap(), before, "{name}");
        let told = reason(&host);
        assert_eq!(host.states().chars().nth(3), Some('Y'), "{name}: {told}\n{}", machine.journal(SWITCH));
        assert!(told.contains("interrupted"), "{name}: {told}");
        machine.succeed(&["systemctl", "start", AGENT]);
    }
    // And the next one is confirmed.
    machine.write("/run/confirmed", "");
    assert!(host.start("switch"), "{}", machine.journal(SWITCH));
    assert!(reason(&host).ends_with("runs"), "{}", reason(&host));
}

//! A repository of the user's own: Alice's checkout in her home, pulled and built as Alice, while all else stays as it is.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::time::Duration;

use world::fleet_host::FleetHost;
use world::machine::{Image, Machine};

const LIMIT: Duration = Duration::from_mins(4);
const AGENT: &str = "nixfleet-agent.service";
const CHECKOUT: &str = "/home/alice/config";
const HOST_FILE: &str = "/home/alice/config/hosts/web1/default.nix";

/// The remote as Alice reaches it, with the key in her ~/.ssh, which nobody else has.
const REMOTE: &str = "ssh://nixfleet@localhost/srv/configuration";

fn configure(machine: &Machine, url: &str, members: &str) {
    let repository = format!(r#""url": "{url}", "branch": "main", "path": "{CHECKOUT}", "user": "alice""#);
    let text = format!(r#"{{ "host": "web1", "repository": {{ {repository} }}{members} }}"#);
    machine.write("/etc/nixfleet/config.json", text);
}

/// A host that is to follow the checkout in Alice's home, which is not there yet.
fn of_alice(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::install(machine);
    host.use_repository_of("alice", CHECKOUT);
    configure(machine, REMOTE, "");
    machine.succeed_as("alice", &["install", "--directory", "--mode=700", "/home/alice/.ssh"]);
    machine.succeed_as("alice", &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/home/alice/.ssh/id_ed25519"]);
    machine.shell(
        "install --directory /etc/ssh/authorized_keys
        cp /home/alice/.ssh/id_ed25519.pub /etc/ssh/authorized_keys/nixfleet
        echo 'AuthorizedKeysFile /etc/ssh/authorized_keys/%u' >/etc/ssh/sshd_config.d/keys.conf
        systemctl restart ssh.service
        sed 's/^/localhost /' /etc/ssh/ssh_host_ed25519_key.pub >/home/alice/.ssh/known_hosts
        chown alice:alice /home/alice/.ssh/known_hosts
        # Nix takes an input from a repository of one's own only.
        chown --recursive alice:alice /srv/nixpkgs
        # The agent and the exporter have to get there.
        chmod 711 /home/alice",
    );
    host
}

fn alice(machine: &Machine, arguments: &[&str]) -> String {
    let git = ["git", "-C", CHECKOUT, "-c", "user.name=Alice", "-c", "user.email=alice@example.org"];
    machine.succeed_as("alice", &[&git, arguments].concat())
}

fn nothing_belongs_to_others(machine: &Machine) {
    let others = machine.shell(&format!("find {CHECKOUT} ! -user alice -o ! -group alice"));
    assert_eq!(others, "", "in Alice's checkout");
}

fn reason(host: &FleetHost<'_>) -> String {
    host.status().compartments.git.reason
}

#[test]
fn pulled_and_built_as_its_owner() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = of_alice(&machine);
    assert!(!host.start("pull"), "there is no checkout, and nixfleet makes none in a home");
    assert!(
        machine.journal("nixfleet-pull.service").contains(CHECKOUT),
        "{}",
        machine.journal("nixfleet-pull.service")
    );
    machine.succeed_as("alice", &["git", "clone", "--quiet", REMOTE, CHECKOUT]);
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    assert_eq!(host.states(), "-GG-Y");

    // A commit comes, with Alice's key and into Alice's files.
    host.remote.set_host("web1", "  # first");
    let first = host.remote.commit("first");
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    assert_eq!(alice(&machine, &["rev-parse", "HEAD"]), first);
    nothing_belongs_to_others(&machine);

    // Built as Alice, activated as root.
    assert!(host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    assert_eq!(host.states(), "-GGGY");
    assert_eq!(machine.succeed(&["stat", "--format=%U", "/var/lib/nixfleet/build/result"]), "alice");
    assert!(machine.succeed(&["/run/current-system/sw/bin/nixos-version", "--json"]).contains(&first));
    assert!(host.start("test"), "{}", machine.journal("nixfleet-test.service"));
    assert_eq!(host.states(), "-GGGG");
    nothing_belongs_to_others(&machine);

    // She works on a file that the next commit changes, too.
    let mine = "# not finished\n";
    machine.shell(&format!("printf '{mine}' >>{HOST_FILE}"));
    let before = machine.read(HOST_FILE);
    host.remote.set_host("web1", "  # second");
    host.remote.commit("second");
    assert!(!host.start("pull"));
    assert_eq!((machine.read(HOST_FILE), alice(&machine, &["rev-parse", "HEAD"])), (before, first.clone()));
    assert_eq!(host.states().chars().nth(1), Some('Y'));
    let why = reason(&host);
    assert!(why.contains("local changes") && why.contains("hosts/web1/default.nix"), "{why}");
    assert!(why.contains("1 uncommitted change"), "{why}");

    // Elsewhere her changes are not in the way, and stay.
    alice(&machine, &["checkout", "--quiet", "."]);
    machine
        .succeed_as("alice", &["sh", "-c", &format!("echo mine >>{CHECKOUT}/flake.nix; echo mine >{CHECKOUT}/notes")]);
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    assert!(machine.read(HOST_FILE).contains("# second"));
    assert!(
        machine.read(format!("{CHECKOUT}/flake.nix")).ends_with("mine\n")
            && machine.exists(format!("{CHECKOUT}/notes"))
    );
    assert!(reason(&host).contains("2 uncommitted changes"), "{}", reason(&host));
    // The commit is built, not what lies around.
    assert!(host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    assert_eq!(host.states(), "-GGGY");
    nothing_belongs_to_others(&machine);

    // Her own commits are kept: a person decides.
    alice(&machine, &["commit", "--quiet", "--all", "--message", "hers"]);
    let hers = alice(&machine, &["rev-parse", "HEAD"]);
    host.remote.set_host("web1", "  # third");
    host.remote.commit("third");
    assert!(!host.start("pull"));
    assert!(reason(&host).contains("diverged"), "{}", reason(&host));
    assert_eq!(alice(&machine, &["rev-parse", "HEAD"]), hers);
    nothing_belongs_to_others(&machine);
}

#[test]
fn the_agent_moves_it_and_both_remember_in_one_place() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    // A host that had a repository of its own until now, with all that was written there.
    let host = FleetHost::install(&machine);
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    machine.succeed(&["systemctl", "start", AGENT]);
    machine.wait_until("the agent tests it", LIMIT, || host.states() == "GGGGG");

    machine.shell("cp --recursive /srv/configuration /home/alice/config && chmod 711 /home/alice");
    machine.shell("chown --recursive alice:alice /home/alice/config /srv/nixpkgs");
    alice(&machine, &["remote", "add", "origin", "/srv/configuration"]);
    host.use_repository_of("alice", CHECKOUT);
    let policy = r#", "agent": { "interval_seconds": 5, "policy": { "pull": "on", "switch": "on" } }"#;
    configure(&machine, "file:///srv/configuration", policy);
    // The exporter reads its configuration at its start; the agent's directories get their mode at its start.
    machine.succeed(&["systemctl", "restart", AGENT, "nixfleet-exporter.service"]);
    host.remote.set_host("web1", "  # by the agent");
    let commit = host.remote.commit("by the agent");
    machine.succeed(&["systemctl", "reload", AGENT]);
    let version = || machine.succeed(&["/run/current-system/sw/bin/nixos-version", "--json"]);
    machine.wait_until("the commit runs", LIMIT, || version().contains(&commit));
    machine.wait_until(&format!("and is tested: {}", host.states()), LIMIT, || host.states() == "GGGGG");
    assert_eq!(alice(&machine, &["rev-parse", "HEAD"]), commit);
    nothing_belongs_to_others(&machine);
    assert!(host.results().iter().all(|result| result.ends_with("success")), "{:?}", host.results());

    // Whoever wrote last, the next one can.
    let modes = "cd /var/lib/nixfleet && stat --format='%n %a %G' . journal.jsonl journal.lock remote.json remote.git";
    assert_eq!(
        machine.shell(modes),
        ". 2775 nixfleet\njournal.jsonl 664 nixfleet\njournal.lock 660 nixfleet\nremote.json 664 nixfleet\nremote.git 2775 nixfleet"
    );
    machine.succeed(&["/opt/nixfleet/bin/nixfleet", "hold", &commit]);
    assert!(host.start("pull") && host.start("rollback"), "{}", machine.journal("nixfleet-pull.service"));
    // The store of fetched objects is made by either, and written by the other.
    let store = "/var/lib/nixfleet/remote.git";
    let commit = |name: &str| {
        host.remote.set_host("web1", &format!("  # {name}"));
        host.remote.commit(name)
    };
    for (maker, pulls_by_hand) in [("alice", true), ("nixfleet", false)] {
        machine.shell(&format!("systemctl stop {AGENT}; rm --recursive {store}"));
        commit(&format!("made by {maker}"));
        if pulls_by_hand {
            assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
        }
        machine.succeed(&["systemctl", "start", AGENT]);
        machine.wait_until("the store is made", LIMIT, || machine.exists(format!("{store}/nixfleet-store")));
        assert_eq!(machine.succeed(&["stat", "--format=%U", store]), maker);
        let by_agent = commit(&format!("fetched by nixfleet, where {maker} made the store"));
        machine.succeed(&["systemctl", "reload", AGENT]);
        machine.wait_until("pulled", LIMIT, || alice(&machine, &["rev-parse", "HEAD"]) == by_agent);
        machine.succeed(&["systemctl", "stop", AGENT]);
        // Until the agent's pull is gone systemd would take the next start for the same.
        host.wait_until_idle("pull");
        let by_hand = commit(&format!("fetched by Alice, where {maker} made the store"));
        assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
        assert_eq!(alice(&machine, &["rev-parse", "HEAD"]), by_hand);
    }
    nothing_belongs_to_others(&machine);
}

#[test]
fn the_units_fit_and_nobody_else_touches_it() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = of_alice(&machine);
    machine.succeed_as("alice", &["git", "clone", "--quiet", REMOTE, CHECKOUT]);
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    let units = ["agent", "pull", "switch", "test"].map(|name| format!("nixfleet-{name}.service"));
    let verify = [&["systemd-analyze", "verify", "--man=no"], &units.each_ref().map(String::as_str)[..]].concat();
    let output = machine.run(&verify);
    let complaints: Vec<&str> = output.stderr.lines().filter(|line| line.contains("nixfleet")).collect();
    assert!(output.success() && complaints.is_empty(), "{complaints:?}");
    let report = machine.run(&["systemd-analyze", "security", "--no-pager", "nixfleet-pull.service"]).stdout;
    let level = report.lines().find_map(|line| line.split("exposure level for").nth(1)).unwrap();
    let exposure: f64 = level.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(exposure <= 3.0, "{exposure}");

    // Alice's key is hers: nixfleet cannot read it. And her home is nixfleet's to read only.
    assert!(!machine.run_as("nixfleet", &["cat", "/home/alice/.ssh/id_ed25519"]).success());
    assert!(!machine.run_as("nixfleet", &["touch", &format!("{CHECKOUT}/by-nixfleet")]).success());

    // A closed home: nobody but Alice sees it, and that is said.
    machine.succeed(&["chmod", "700", "/home/alice"]);
    assert_eq!(host.states().chars().nth(1), Some('-'));
    let said = machine.run_as("nixfleet", &["/opt/nixfleet/bin/nixfleet", "status"]).stdout;
    assert!(said.contains(CHECKOUT) && said.contains("permissions"), "{said}");
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    machine.succeed(&["chmod", "711", "/home/alice"]);
    assert_eq!(host.states().chars().nth(1), Some('G'));

    // Without its drop-in the unit would run as nixfleet, in a checkout of Alice.
    machine.shell("rm -r /etc/systemd/system/nixfleet-pull.service.d /etc/systemd/system/nixfleet-switch.service.d");
    machine.succeed(&["systemctl", "daemon-reload"]);
    for operation in ["pull", "switch"] {
        assert!(!host.start(operation));
        let journal = machine.journal(&format!("nixfleet-{operation}.service"));
        assert!(journal.contains("runs as nixfleet, and the repository is alice's"), "{journal}");
    }
    nothing_belongs_to_others(&machine);
}

#[test]
fn its_path_may_have_any_characters_for_a_pull() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = of_alice(&machine);
    let path = r#"/home/alice/my 50% "fleet""#;
    machine.succeed_as("alice", &["git", "clone", "--quiet", REMOTE, path]);
    host.use_repository_of("alice", path);
    let text = machine.read("/etc/nixfleet/config.json").replace("file:///srv/configuration", REMOTE);
    machine.write("/etc/nixfleet/config.json", text);
    host.remote.set_host("web1", "  # new");
    let commit = host.remote.commit("new");
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull.service"));
    assert_eq!(machine.succeed_as("alice", &["git", "-C", path, "rev-parse", "HEAD"]), commit);
    let show = ["systemctl", "show", "--property=LoadState", "--value", "nixfleet-pull.service"];
    assert_eq!(machine.succeed(&show), "loaded");
    // Nix cannot read a flake there, and that is said.
    assert!(!host.start("switch"));
    let reason = host.status().compartments.system.reason;
    assert!(reason.contains("has characters that a flake reference cannot have"), "{reason}");
}

#[test]
fn its_owner_may_lie_and_root_runs_nothing_but_systems_of_the_store() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = of_alice(&machine);
    machine.succeed_as("alice", &["git", "clone", "--quiet", REMOTE, CHECKOUT]);
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
    let before = host.running_system();

    // Alice says after the build that it built something else.
    machine.write_executable("/home/alice/evil/bin/switch-to-configuration", "#!/bin/sh\ntouch /root/owned\n");
    let entry = r#"{"version":1,"event":"progress","invocation_id":"%s","at":"2025-01-01T00:00:00Z","phase":"build","store_path":"/home/alice/evil"}"#;
    let lie = format!("#!/bin/sh\nprintf '{entry}\\n' \"$INVOCATION_ID\" >>/var/lib/nixfleet/journal.jsonl\n");
    machine.write_executable("/home/alice/lie", lie);
    let agent = "/opt/nixfleet/bin/nixfleet-agent --unit %n";
    let steps =
        format!("ExecStart=\nExecStart={agent} build\nExecStart=/home/alice/lie\nExecStart=+{agent} activate\n");
    machine.write("/etc/systemd/system/nixfleet-switch.service.d/lie.conf", format!("[Service]\n{steps}"));
    machine.succeed(&["systemctl", "daemon-reload"]);
    assert!(!host.start("switch"));
    let reason = host.status().compartments.system.reason;
    assert!(reason.contains("/home/alice/evil is not a path in the store"), "{reason}");
    assert!(!machine.exists("/root/owned") && host.running_system() == before);

    // Or she puts a link in the journal's place, which root would append to.
    machine.write("/root/secret", "secret\n");
    let link = "#!/bin/sh\nln --symbolic --force /root/secret /var/lib/nixfleet/journal.jsonl\n";
    machine.write_executable("/home/alice/lie", link);
    assert!(!host.start("switch"));
    let journal = machine.journal("nixfleet-switch.service");
    assert!(journal.contains("is a symbolic link"), "{journal}");
    assert_eq!(machine.read("/root/secret"), "secret\n");
    assert_eq!(host.running_system(), before);
    machine.shell("rm /var/lib/nixfleet/journal.jsonl /etc/systemd/system/nixfleet-switch.service.d/lie.conf");
    machine.succeed(&["systemctl", "daemon-reload"]);
    assert!(host.start("pull") && host.start("switch"), "{}", machine.journal("nixfleet-switch.service"));
}

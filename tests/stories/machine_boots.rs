//! The ground of the other stories: test machines boot, build, switch, lose power, reach each other, and leave nothing.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use world::machine::{ConfigurationRepository, Image, Machine, Network};

const SWITCH: &str = "nixos-rebuild-switch-to-configuration";

fn configured(machine: &Machine) -> ConfigurationRepository<'_> {
    ConfigurationRepository::create(machine, "nixfleet", "/srv/configuration", "/srv/nixpkgs")
}

fn service(settings: &str) -> String {
    format!("[Service]\\nExecStart=/usr/bin/sleep infinity\\n{settings}")
}

fn main_process(machine: &Machine, unit: &str) -> String {
    machine.succeed(&["systemctl", "show", "--property=MainPID", "--value", unit])
}

fn switch(machine: &Machine, system: &str) -> world::machine::Output {
    machine.run(&["env", "NIXOS_REBUILD_EXIT=pass", "nixos-rebuild", "switch", "--store-path", system])
}

#[test]
fn a_commit_is_built_by_a_user_and_switched_to_by_root() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let repository = configured(&machine);
    repository.set_host("web1", &format!("units.\"hello.service\" = \"{}\";", service("")));
    let commit = repository.commit("hello");
    let system = repository.build(&commit, "web1");
    assert!(system.starts_with("/nix/store/") && system.contains("-nixos-system-web1-"), "{system}");
    assert!(!machine.exists("/run/current-system"));

    let switched = machine.run(&["nixos-rebuild", "switch", "--store-path", &system]);

    assert!(
        switched.success() && switched.stderr.contains("following new units were started: hello.service"),
        "{switched:?}"
    );
    assert_eq!(machine.link_target("/run/current-system").as_deref(), Some(&*system));
    assert_eq!(machine.link_target("/nix/var/nix/profiles/system").as_deref(), Some("system-1-link"));
    assert_eq!(machine.link_target("/nix/var/nix/profiles/system-1-link").as_deref(), Some(&*system));
    let version = machine.succeed_as("alice", &["nixos-version", "--json"]);
    assert!(version.contains(&format!("\"configurationRevision\":\"{commit}\"")), "{version}");
    assert_eq!(machine.succeed(&["systemctl", "is-active", "hello.service"]), "active");
    assert!(machine.journal(SWITCH).contains("switch-to-configuration switch"), "it ran in its own unit");

    // Root itself must not evaluate a repository of somebody else; Nix refuses it.
    let reference = format!("git+file://{}?rev={commit}#web1", repository.path());
    let refused = machine.run(&["nixos-rebuild", "switch", "--flake", &reference]);
    assert!(refused.stderr.contains("not owned by current user"), "{refused:?}");
}

#[test]
fn the_lock_follows_nixpkgs_when_it_is_updated() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let repository = configured(&machine);
    repository.set_host("web1", "");
    repository.set_test("web1", "10-passes", "#!/bin/sh\nexit 0\n");
    let first = repository.build(&repository.commit("one"), "web1");
    let release = repository.release_nixpkgs("26.05.20251201.toy");
    let second = repository.build(&repository.commit("the same lock"), "web1");
    assert!(second.ends_with("-25.11.20251123.toy") && second != first, "{second}");

    repository.update_lock();
    assert_eq!(repository.git(&["status", "--porcelain"]), "M flake.lock");
    let third = repository.build(&repository.commit("flake.lock: update"), "web1");

    assert!(third.ends_with("-26.05.20251201.toy"), "{third}");
    let version = machine.succeed(&[&format!("{third}/sw/bin/nixos-version"), "--json"]);
    assert!(version.contains(&format!("\"nixpkgsRevision\":\"{release}\"")), "{version}");
    machine.succeed_as("alice", &[&format!("{}/hosts/web1/tests/10-passes", repository.path())]);
}

#[test]
fn polkit_decides_who_may_start_a_unit() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let rule = r#"polkit.addRule(function (action, subject) {
        if (action.id == "org.freedesktop.systemd1.manage-units" && subject.user == "nixfleet"
            && action.lookup("unit") == "allowed.service" && action.lookup("verb") == "start") { return polkit.Result.YES; }
    });"#;
    machine.write("/etc/polkit-1/rules.d/50-test.rules", rule);
    for unit in ["allowed", "other"] {
        machine.write(format!("/etc/systemd/system/{unit}.service"), "[Service]\nExecStart=/usr/bin/sleep infinity\n");
    }
    machine.succeed(&["systemctl", "daemon-reload"]);
    for (user, unit, may) in [
        ("nixfleet", "allowed.service", true),
        ("nixfleet", "other.service", false),
        ("alice", "allowed.service", false),
        ("root", "other.service", true),
    ] {
        let started = machine.run_as(user, &["systemctl", "--no-ask-password", "start", unit]);
        assert_eq!(started.success(), may, "{user} {unit}: {started:?}");
        assert!(may || started.stderr.contains("Interactive authentication required"), "{started:?}");
    }
}

#[test]
fn units_of_the_next_configuration_are_treated_as_they_ask() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let repository = configured(&machine);
    let units = [
        ("changed", ""),
        ("equal", ""),
        ("kept", "X-RestartIfChanged=false\\n"),
        ("restarted", "X-StopIfChanged=false\\n"),
        ("reloaded", "X-ReloadIfChanged=true\\nExecReload=/usr/bin/touch /run/was-reloaded\\n"),
        ("removed", ""),
        ("stays", "[Unit]\\nX-StopOnRemoval=false\\n"),
    ];
    let host = |change: &str, removed: bool| {
        let lines = units.iter().filter(|(name, _)| !removed || !matches!(*name, "removed" | "stays"));
        let line = |(name, settings): &(&str, &str)| {
            let change = if matches!(*name, "equal" | "removed" | "stays") { "" } else { change };
            format!("units.\"{name}.service\" = \"{}\";\n", service(&format!("{change}{settings}")))
        };
        lines.map(line).collect::<String>()
    };
    repository.set_host("web1", &host("", false));
    let first = repository.build(&repository.commit("one"), "web1");
    machine.succeed(&["nixos-rebuild", "switch", "--store-path", &first]);
    let before = units.map(|(name, _)| main_process(&machine, name));

    repository.set_host("web1", &host("Environment=A=b\\n", true));
    let second = repository.build(&repository.commit("two"), "web1");
    let dry = machine.succeed(&["sh", "-c", "cd && nixos-rebuild dry-activate --store-path \"$0\" 2>&1", &second]);
    assert!(dry.contains("would stop the following units: changed.service, removed.service"), "{dry}");
    assert_eq!(machine.link_target("/run/current-system").as_deref(), Some(&*first));
    let log = switch(&machine, &second).stderr;

    let after = units.map(|(name, _)| main_process(&machine, name));
    let same: Vec<_> = (0..units.len()).filter(|i| before[*i] == after[*i]).map(|i| units[i].0).collect();
    assert_eq!(same, ["equal", "kept", "reloaded", "stays"]);
    assert_eq!(after[5], "0", "a removed unit is stopped");
    assert!(machine.exists("/run/was-reloaded") && !machine.exists("/etc/systemd/system/removed.service"));
    assert!(log.contains("NOT restarting the following changed units: kept.service"), "{log}");

    // Back, and forward again: the profile moves with it.
    machine.succeed(&["nixos-rebuild", "switch", "--rollback"]);
    assert_eq!(machine.link_target("/run/current-system").as_deref(), Some(&*first));
    let generations: serde_json::Value =
        serde_json::from_str(&machine.succeed(&["nixos-rebuild", "list-generations", "--json"])).unwrap();
    assert_eq!((&generations[0]["current"], &generations[1]["current"]), (&false.into(), &true.into()));
}

#[test]
fn a_failing_switch_has_the_exit_code_and_the_traces_of_the_real_one() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let repository = configured(&machine);
    repository.set_host("web1", "inhibitors.dbus = \"1\";");
    let base = repository.build(&repository.commit("base"), "web1");
    let failing = "units.\"failing.service\" = \"[Service]\\nType=oneshot\\nExecStart=/bin/false\\n\";";
    // The configuration, the exit code, whether it runs then, whether it is booted next.
    for (change, code, runs, boots) in [
        ("preSwitchCheck = \"false\";", 1, false, false),
        ("inhibitors.dbus = \"2\";", 1, false, false),
        ("bootLoader = \"false\";", 1, false, true),
        ("activation = \"false\";", 2, true, true),
        (failing, 4, true, true),
        (&format!("activation = \"false\"; {failing}"), 4, true, true),
        ("initInterfaceVersion = \"systemd 3\";", 100, false, true),
        ("activation = \"echo dbus.service >>/run/nixos/activation-restart-list\";", 0, true, true),
        ("systemd = \"258\"; activation = \"sleep 1\";", 0, true, true),
    ] {
        assert_eq!(switch(&machine, &base).code, Some(0));
        let inhibitors = if change.contains("inhibitors") { "" } else { "inhibitors.dbus = \"1\";" };
        repository.set_host("web1", &format!("{inhibitors}{change}"));
        let system = repository.build(&repository.commit(change), "web1");

        let switched = switch(&machine, &system);

        assert_eq!(switched.code, Some(code), "{change}: {switched:?}");
        assert_eq!(machine.link_target("/run/current-system").as_deref() == Some(&*system), runs, "{change}");
        assert_eq!(machine.link_target("/boot/default-system").as_deref() == Some(&*system), boots, "{change}");
        let profile = machine.succeed(&["readlink", "--canonicalize", "/nix/var/nix/profiles/system"]);
        assert_eq!(profile, system, "the profile is set before everything: {change}");
        if code != 0 {
            let flattened = machine.run(&["nixos-rebuild", "switch", "--store-path", &system]);
            assert_eq!(flattened.code, Some(1), "{change}");
        }
    }

    // Two at once.
    repository
        .set_host("web1", "inhibitors.dbus = \"1\"; activation = \"until [ -e /run/go-on ]; do sleep 0.1; done\";");
    let slow = repository.build(&repository.commit("slow"), "web1");
    let first = machine.start("root", &["nixos-rebuild", "test", "--store-path", &slow]);
    machine.wait_until("the switch runs", Duration::from_mins(4), || {
        machine.run(&["systemctl", "is-active", SWITCH]).success()
    });
    let second = switch(&machine, &slow);
    assert!(!second.success() && second.stderr.contains("was already loaded"), "{second:?}");
    machine.write("/run/go-on", "");
    assert!(first.wait_with_output().unwrap().status.success());
}

#[test]
fn a_power_loss_keeps_the_disk_and_forgets_the_rest() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let repository = configured(&machine);
    let mut systems = Vec::new();
    for name in ["one", "two"] {
        repository.set_host("web1", &format!("units.\"{name}.service\" = \"{}\";", service("")));
        systems.push(repository.build(&repository.commit(name), "web1"));
    }
    machine.succeed(&["nixos-rebuild", "switch", "--store-path", &systems[0]]);
    machine.succeed(&["nixos-rebuild", "boot", "--store-path", &systems[1]]);
    assert_eq!(machine.link_target("/run/current-system").as_deref(), Some(&*systems[0]));
    machine.write("/run/forgotten", "");
    let boot = machine.read("/proc/sys/kernel/random/boot_id");

    machine.power_loss();
    assert!(machine.exists("/nix/var/nix/profiles/system-2-link"), "the disk can be read while it is off");
    machine.write("/var/written-while-off", "yes");
    machine.boot_again();

    assert!(!machine.exists("/run/forgotten"));
    assert_eq!(machine.read("/var/written-while-off"), "yes");
    for link in ["/run/current-system", "/run/booted-system"] {
        assert_eq!(machine.link_target(link).as_deref(), Some(&*systems[1]), "{link}");
    }
    assert_eq!(machine.succeed(&["systemctl", "is-active", "two.service"]), "active");
    assert_eq!(main_process(&machine, "one.service"), "0");
    assert_ne!(machine.read("/proc/sys/kernel/random/boot_id"), boot);
    assert!(machine.journal(SWITCH).contains("switch-to-configuration boot"), "the journal is of the disk");

    machine.shut_down();
    machine.boot_again();
    assert_eq!(machine.link_target("/run/booted-system").as_deref(), Some(&*systems[1]));
    assert_eq!(machine.succeed(&["journalctl", "--list-boots", "--quiet"]).lines().count(), 3);
}

#[test]
fn machines_and_this_host_reach_each_other() {
    let Some(image) = Image::get() else { return };
    let boot = |name: &'static str| {
        let image = image.clone();
        thread::spawn(move || Machine::boot(&image, name))
    };
    let (web1, web2) = (boot("web1"), boot("web2"));
    let (web1, web2) = (web1.join().unwrap(), web2.join().unwrap());
    let network = Network::connect(&[&web1, &web2]);

    let key = "mkdir -p ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; cat ~/.ssh/id_ed25519.pub";
    web2.write("/root/.ssh/authorized_keys", format!("{}\n", web1.shell(key)));
    let ssh = ["ssh", "-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=60", "root@web2", "hostname"];
    assert_eq!(web1.succeed(&ssh), "web2");

    web2.write("/srv/www/answer", "of web2");
    web2.shell("systemd-run --quiet --unit=http python3 -m http.server --directory /srv/www 80");
    let url = format!("http://{}/answer", network.address("web2"));
    assert_eq!(web1.succeed(&["curl", "-sS", "--fail", "--retry-connrefused", "--retry", "5", &url]), "of web2");
    let mut stream = TcpStream::connect((network.address("web2"), 80)).unwrap();
    stream.write_all(b"GET /answer HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("of web2"), "{answer}");

    // The addresses outlast a power loss, and so does the other machine.
    web2.power_loss();
    assert!(!web1.run(&["curl", "-sS", "--max-time", "2", &url]).success());
    web2.boot_again();
    assert_eq!(web1.succeed(&ssh), "web2");
    let listener = std::net::TcpListener::bind((network.test_side(), 0)).unwrap();
    let back = format!("exec 3<>/dev/tcp/{}/{}", network.test_side(), listener.local_addr().unwrap().port());
    web1.succeed(&["bash", "-c", &back]);
}

/// The mounts of test machines that this process and this host's first process see. Others come and go with other programs.
fn mounts() -> [Vec<String>; 2] {
    ["self", "1"].map(|process| {
        let mounts = std::fs::read_to_string(format!("/proc/{process}/mounts")).unwrap();
        mounts.lines().filter(|line| line.contains("/machine-image-")).map(str::to_owned).collect()
    })
}

fn gone_within_seconds(what: &str, is_gone: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !is_gone() {
        assert!(Instant::now() < end, "still there: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether any process is in the network namespace of this name, such as `net:[4026531840]`.
fn is_used(namespace: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes.filter_map(|process| std::fs::read_link(process.join("ns/net")).ok()).any(|used| used == namespace)
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let Some(image) = Image::get() else { return };
    let before = mounts();
    let told = std::sync::Mutex::new(None);
    let result = std::panic::catch_unwind(|| {
        let machine = Machine::boot(&image, "doomed");
        let _network = Network::connect(&[&machine]);
        let process = machine.first_process();
        let namespace = std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
        *told.lock().unwrap() = Some((process, namespace, machine.control_group().to_owned()));
        machine.succeed(&["false"]);
    });
    assert!(result.is_err());
    let (process, namespace, group) = told.into_inner().unwrap().unwrap();
    assert!(!Path::new(&format!("/proc/{process}")).exists());
    assert!(!group.exists(), "{}", group.display());
    gone_within_seconds("its network namespace", || !is_used(&namespace));
    assert_eq!(mounts(), before);
}

/// Alone a machine that boots; for the next story one that waits to be killed.
#[test]
fn a_machine_boots() {
    let Some(image) = Image::get() else { return };
    let start = Instant::now();
    let machine = Machine::boot(&image, "alone");
    assert_eq!(machine.succeed(&["systemctl", "is-system-running"]), "running");
    assert_eq!(machine.succeed(&["nix", "--version"]).split(' ').next_back().map(|version| &version[..2]), Some("2."));
    let _network = Network::connect(&[&machine]);
    if std::env::var_os("NIXFLEET_WAIT_TO_BE_KILLED").is_some() {
        let mut stdout = std::io::stdout();
        writeln!(stdout, "\nup {} {}", machine.first_process(), machine.control_group().display()).unwrap();
        thread::sleep(Duration::from_mins(10));
    }
    println!("booted and looked at in {} ms", start.elapsed().as_millis());
}

#[test]
fn a_killed_test_leaves_nothing_behind() {
    if Image::get().is_none() {
        return;
    }
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_machine_boots", "--nocapture"])
        .env("NIXFLEET_WAIT_TO_BE_KILLED", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(test.stdout.take().unwrap()).lines().map(Result::unwrap);
    let up = lines.find(|line| line.starts_with("up ")).unwrap();
    let [_, process, group] = up.split(' ').collect::<Vec<_>>()[..] else { panic!("{up}") };
    let namespace = std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
    assert!(is_used(&namespace) && Path::new(group).exists());

    test.kill().unwrap();
    test.wait().unwrap();

    gone_within_seconds("its network namespace", || !is_used(&namespace));
    gone_within_seconds("its control group", || !Path::new(group).exists());
}

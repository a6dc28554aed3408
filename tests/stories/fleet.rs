//! Four hosts with addresses of their own, moved together over real ssh; a real Prometheus says which they are.
//!
//! One breaks, one is slow, one is cut off: the waves stop at the first red, and go on after the repair.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a story stops at what it did not expect")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use world::fleet_host::FleetHost;
use world::fleet_member::{FleetMember, serve};
use world::fleet_person::{Person, host, results};
use world::machine::{Image, Machine, Network};
use world::prometheus::Prometheus;

const LIMIT: Duration = Duration::from_mins(4);
const NAMES: [&str; 4] = ["db1", "web1", "web2", "web3"];

/// On a terminal it asks, and only a yes is one.
fn asked_before(person: &Person, on_web3: &FleetMember<'_>) {
    let answered = |keys: &str| {
        let before = on_web3.results().len();
        let command = person.command(&[]);
        let program = command.get_program().to_str().unwrap();
        let line = format!("{program} fleet pull web3 --ssh root@{{address}}");
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        script.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = script.spawn().unwrap();
        let mut typed = child.stdin.take().unwrap();
        let mut shown = Vec::new();
        let mut stdout = child.stdout.take().unwrap();
        let mut byte = [0];
        while !shown.ends_with(b"[y/N] ") && stdout.read(&mut byte).unwrap() == 1 {
            shown.push(byte[0]);
        }
        typed.write_all(keys.as_bytes()).unwrap();
        stdout.read_to_end(&mut shown).unwrap();
        let code = child.wait().unwrap().code();
        (code, on_web3.results().len() - before, String::from_utf8_lossy(&shown).into_owned())
    };
    let (code, begun, shown) = answered("n\n");
    assert_eq!((code, begun), (Some(1), 0), "{shown}");
    assert!(shown.contains("wave 1  web3  pull  (root@10.") && shown.contains("nothing was done"), "{shown}");
    let (code, begun, shown) = answered("\u{3}");
    assert!(code != Some(0) && begun == 0, "Ctrl-C: {code:?} {shown}");
    let (code, begun, shown) = answered("y\n");
    assert_eq!((code, begun), (Some(0), 1), "{shown}");
    assert!(shown.contains("web3: done: ") && shown.contains("1 done"), "{shown}");
}

fn boot(image: &Image) -> Vec<Machine> {
    let booting = NAMES.map(|name| {
        let image = image.clone();
        thread::spawn(move || Machine::boot(&image, name))
    });
    booting.into_iter().map(|machine| machine.join().unwrap()).collect()
}

#[test]
fn an_update_in_waves_that_stops_and_goes_on() {
    let Some(image) = Image::get() else { return };
    let machines = boot(&image);
    let [db1, web1, web2, web3] = &machines[..] else { panic!() };
    let network = Network::connect(&[db1, web1, web2, web3]);
    let targets = NAMES.map(|name| (name, format!("{}:19931", network.address(name))));
    let Some(prometheus) = Prometheus::of_fleet(&targets) else { return };
    let origin = FleetHost::install(web1);
    for name in ["db1", "web2", "web3"] {
        origin.remote.set_host(name, "");
        origin.remote.set_test(name, "10-passes", "#!/bin/sh\necho all is well\n");
    }
    origin.remote.commit("four hosts");
    serve(&origin);
    let [on_db1, on_web2, on_web3] = [db1, web2, web3].map(|machine| FleetMember::join(machine, &origin));
    let person = Person::let_in(&[db1, web1, web2, web3], &network, prometheus);

    // A fleet of new hosts, all at once.
    person.sees("four hosts", |told| told["hosts"].as_array().is_some_and(|hosts| hosts.len() == 4));
    let plan = person.expect(0, &["update", "--dry-run", "--ssh", "root@{address}", "--wave-size", "1,3"]);
    assert!(
        plan.stdout.starts_with("update: 4 hosts in 2 waves\n  wave 1  db1  pull, switch, test"),
        "{}",
        plan.stdout
    );
    assert_eq!(on_db1.results(), Vec::<String>::new(), "nothing was done");
    let first = person.moved(0, &["update", "--wave-size", "4"]);
    assert_eq!(results(&first), NAMES.map(|name| format!("{name} done")), "{first:?}");
    // The newest scrape of each may be of before its tests ended.
    person.sees_states("green everywhere", &NAMES.map(|name| (name, "-GGGG")));
    let status = person.sees("all run the same", |told| told["majority"]["hosts"] == 4);
    assert_eq!(host(&status, "web3")["states"]["tests"], "ok", "{status}");
    assert_eq!(host(&status, "web3")["generation"], 1, "{status}");

    // A commit that breaks web2, and is slow on web3; db1 is cut off.
    origin.remote.set_test("web2", "20-disk", "#!/bin/sh\ntest -e /srv/disk\n");
    origin.remote.set_host("web3", "  activation = \"sleep 3\";");
    let commit = origin.remote.commit("a new disk");
    db1.succeed(&["ip", "link", "set", "eth0", "down"]);
    let second = person.moved(5, &["update"]);
    assert_eq!(results(&second), ["db1 skipped", "web1 done", "web2 failed", "web3 not-begun"], "{second:?}");
    let detail = |moved: &[(String, String, String)], name: &str| {
        moved.iter().find(|(host, ..)| host == name).unwrap().2.clone()
    };
    assert!(detail(&second, "web2").contains("20-disk"), "{second:?}");
    assert!(detail(&second, "db1").contains("cannot connect to root@10."), "{second:?}");
    // Prometheus scrapes, too: whoever comes meanwhile is told what was seen for it, which may be of a moment before.
    let will_be = |machine: &Machine, seen: &dyn Fn() -> String, states: &str| {
        machine.wait_until(&format!("{states}, not {}", seen()), LIMIT, || seen() == states);
    };
    will_be(web2, &|| on_web2.states(), "-GGGR");
    will_be(web3, &|| on_web3.states(), "-GGYG");

    seen_by_people(&person, &commit);

    // Repaired: the same command goes on. What is good is not touched, what was red is only tested again.
    web2.write("/srv/disk", "");
    db1.succeed(&["ip", "link", "set", "eth0", "up"]);
    let before = origin.results();
    let third = person.moved(0, &["update", "--wave-size", "1,2"]);
    assert_eq!(results(&third), ["db1 done", "web1 current", "web2 done", "web3 done"], "{third:?}");
    assert_eq!(origin.results()[before.len()..], ["pull success"], "web1 was only asked");
    assert_eq!(on_web2.results().iter().filter(|it| *it == "switch success").count(), 2, "{:?}", on_web2.results());
    will_be(web1, &|| origin.states(), "-GGGG");
    for member in [&on_db1, &on_web2, &on_web3] {
        will_be(member.machine, &|| member.states(), "-GGGG");
    }
    let nothing = person.moved(0, &["switch"]);
    assert_eq!(results(&nothing), NAMES.map(|name| format!("{name} current")), "{nothing:?}");

    // Ctrl-C: what runs goes on there, nothing more is begun, and the same command goes on.
    origin.remote.set_host("web3", "  activation = \"until test -e /srv/go; do sleep 0.2; done\";");
    origin.remote.commit("very slow");
    assert_eq!(results(&person.moved(0, &["pull"])), NAMES.map(|name| format!("{name} done")));
    interrupted(&person, &on_web3);
    let last = person.moved(0, &["switch", "--order", "host=web3,db1", "--wave-size", "1,1,4"]);
    assert_eq!(results(&last), NAMES.map(|name| format!("{name} done")), "{last:?}");
    assert_eq!(last[0].0, "web3", "first, by the label: {last:?}");

    // Back on one host: held there, and marked.
    assert_eq!(results(&person.moved(0, &["rollback", "web2"])), ["web2 done"]);
    person.sees("web2 is off, and held", |told| {
        let web2 = host(told, "web2");
        web2["is_off_majority"] == true && web2["notes"].to_string().contains("local HEAD is held")
    });
    asked_before(&person, &on_web3);
    asked_themselves(&person, &network);
    what_cannot_be_done(&person);
}

/// The worst first, who is behind marked, who is down gray.
fn seen_by_people(person: &Person, commit: &str) {
    let status = person.sees("as things stand", |told| {
        told["hosts"][0]["name"] == "web2"
            && told["majority"]["revision"] == commit
            && told["hosts"].as_array().unwrap().iter().any(|it| it["name"] == "db1" && it["is_up"] == false)
    });
    assert_eq!(host(&status, "web3")["is_off_majority"], true, "{status}");
    assert_eq!(host(&status, "db1")["states"]["agent"], "unknown", "{status}");
    assert_eq!(host(&status, "db1")["states"]["tests"], "ok", "as it was: {status}");
    let table = person.expect(4, &["status", "--fail-on", "error"]).stdout;
    assert!(table.lines().nth(1).unwrap().starts_with("web2 "), "{table}");
    assert!(
        table.contains(&format!("2 of 4 run {} (1 not known)", &commit[..7]))
            && table.contains("down; the other states"),
        "{table}"
    );
    let red = person.expect(0, &["status", "--state", "tests=error", "--label", "host=web2"]).stdout;
    assert!(red.contains("1 of 4 hosts: 1 error"), "{red}");
}

/// Ctrl-C while web3 switches, which waits for a file.
fn interrupted(person: &Person, on_web3: &FleetMember<'_>) {
    let web3 = on_web3.machine;
    let by_order = ["switch", "--order", "host=web3,db1", "--ssh", "root@{address}", "--yes", "--json"];
    let mut running = person.command(&by_order).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "wave 1: web3"));
    web3.wait_until("web3 switches", LIMIT, || on_web3.states().chars().nth(3) == Some('B'));
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    let said: Vec<String> = lines.collect();
    let told = running.wait_with_output().unwrap();
    assert_eq!(told.status.code(), Some(130), "{said:?}");
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(host(&told, "web3")["result"], "goes-on", "{told}");
    assert_eq!(host(&told, "web1")["result"], "not-begun", "{told}");
    assert!(said.iter().any(|line| line.contains("web3: the switch goes on: `nixfleet --host root@10.")), "{said:?}");
    assert!(said.last().unwrap().contains("the same command goes on with them"), "{said:?}");
    assert_eq!(on_web3.states().chars().nth(3), Some('B'), "it goes on");
    web3.write("/srv/go", "");
}

/// Without Prometheus the hosts tell of themselves, over ssh.
fn asked_themselves(person: &Person, network: &Network) {
    let file = person.user.home().join("hosts");
    let address = |name: &str| network.address(name);
    let text = format!(
        "# name destination labels\nweb1 root@{} rack=a\nweb2 {} rack=b\ngone root@{}:1\n",
        address("web1"),
        address("web2"),
        address("web3")
    );
    std::fs::write(&file, text).unwrap();
    let hosts = ["--prometheus", "", "--hosts-file", file.to_str().unwrap(), "--ssh-user", "root"];
    let told = person.json(0, &[&["status"], &hosts[..]].concat());
    assert_eq!(host(&told, "web1")["states"]["tests"], "ok", "{told}");
    assert_eq!(host(&told, "web2")["labels"]["rack"], "b", "{told}");
    assert!(host(&told, "web1")["revision"].as_str().is_some_and(|revision| revision.len() == 40), "{told}");
    assert_eq!((&host(&told, "gone")["is_up"], &told["total"]), (&false.into(), &3.into()), "{told}");
    assert!(host(&told, "gone")["notes"][0].as_str().unwrap().contains("Connection refused"), "{told}");
    let tested = person.json(0, &[&["test", "--label", "rack=a", "--yes"], &hosts[..]].concat());
    assert_eq!(tested["hosts"].as_array().unwrap().len(), 1, "the label leaves one: {tested}");
}

fn what_cannot_be_done(person: &Person) {
    for (arguments, code, words) in [
        (&["pull"][..], 1, "add --yes, or --dry-run"),
        (&["pull", "web9", "--yes"], 1, "no host is called web9"),
        (&["switch", "--state", "system=working", "--yes"], 1, "none of 4 hosts is meant"),
        (
            &["pull", "web1", "--ssh", "root@{rack}", "--dry-run"],
            1,
            "no host could be reached or asked: nothing was done; the reason is above",
        ),
        (
            &["pull", "web1", "--ssh", "nobody@{address}", "--yes"],
            1,
            "no host could be reached or asked: nothing was done; the reason is above",
        ),
        (&["status", "--job", "other \"job\""], 1, "has no target in the job"),
        (&["status", "--prometheus", "http://127.0.0.1:1"], 1, "cannot reach Prometheus at http://127.0.0.1:1"),
    ] {
        let output = person.expect(code, arguments);
        assert!(output.stderr.contains(words), "{arguments:?}: {}", output.stderr);
    }
}

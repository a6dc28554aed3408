//! The units as the NixOS module makes them, on a machine with a real systemd: its drop-ins over the units of this project.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use std::fs;
use std::path::Path;

use world::fleet_host::FleetHost;
use world::machine::{Image, Machine};
use world::nix::project;

const UNITS: &str = "/etc/systemd/system";

/// Puts what the module adds to the units of this host in the place of what another host had.
fn install_drop_ins(machine: &Machine, host: &str) {
    machine.shell(&format!("rm -rf {UNITS}/nixfleet-*.d"));
    let units = project().join("checks/evaluation/golden").join(host).join("units");
    for unit in fs::read_dir(&units).unwrap().map(Result::unwrap) {
        for drop_in in fs::read_dir(unit.path()).unwrap().map(Result::unwrap) {
            let text = fs::read_to_string(drop_in.path()).unwrap();
            for package in text.split("/stub/").skip(1).filter_map(|rest| rest.split('/').next()) {
                let is_ours = package.starts_with("nixfleet-");
                let target = if is_ours { "/opt/nixfleet" } else { "/usr" };
                machine.shell(&format!("mkdir -p /stub && ln -sfn {target} /stub/{package}"));
            }
            let name = Path::new(UNITS).join(unit.file_name()).join(drop_in.file_name());
            machine.write(name, text);
        }
    }
    machine.succeed(&["systemctl", "daemon-reload"]);
}

fn exposure(machine: &Machine, unit: &str) -> f64 {
    let report = machine.run(&["systemd-analyze", "security", "--no-pager", unit]).stdout;
    let level =
        report.lines().find_map(|line| line.split("exposure level for").nth(1)).unwrap_or_else(|| panic!("{report}"));
    level.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn systemd_accepts_the_units_of_every_host() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    FleetHost::install(&machine);
    machine.succeed(&["useradd", "--system", "tester"]);
    for host in ["small", "full", "checkout-of-a-user"] {
        install_drop_ins(&machine, host);
        let units = machine.shell(&format!("cd {UNITS} && ls -d nixfleet-*.service nixfleet-*.socket | sed s/@/@3/"));
        let mut verify = vec!["systemd-analyze", "verify", "--man=no"];
        verify.extend(units.lines());
        let output = machine.run(&verify);
        assert!(output.success() && output.stderr.is_empty() && units.lines().count() >= 8, "{host}: {output:?}");
        for (unit, most) in [("nixfleet-agent", 2.0), ("nixfleet-exporter", 2.0), ("nixfleet-pull", 3.0)] {
            let level = exposure(&machine, &format!("{unit}.service"));
            assert!(level <= most, "{host}: {unit}: {level}");
        }
    }
    let user = |unit: &str| machine.succeed(&["systemctl", "show", "--property=User", "--value", unit]);
    assert_eq!(
        ["nixfleet-agent", "nixfleet-pull", "nixfleet-switch", "nixfleet-test"].map(user),
        ["nixfleet", "alice", "alice", "nixfleet"]
    );
}

#[test]
fn a_host_of_the_module_is_operated_and_gets_its_secrets() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    install_drop_ins(&machine, "small");
    for operation in ["pull", "switch", "test"] {
        assert!(host.start(operation), "{operation}: {}", machine.journal(&format!("nixfleet-{operation}")));
    }
    assert_eq!(host.results(), ["pull success", "switch success", "test success"]);

    // A secret that only root may read gets to the units that need it, and a missing one is said.
    let pull = fs::read_to_string(
        project().join("checks/evaluation/golden/full/units/nixfleet-pull.service.d/overrides.conf"),
    );
    machine.write(format!("{UNITS}/nixfleet-pull.service.d/overrides.conf"), pull.unwrap());
    machine.succeed(&["systemctl", "daemon-reload"]);
    assert!(!host.start("pull"));
    assert!(machine.journal("nixfleet-pull").contains("CREDENTIALS"), "{}", machine.journal("nixfleet-pull"));
    machine.shell("install -D --mode 600 /dev/null /run/secrets/fleet-deploy-key");
    machine.succeed(&["systemctl", "reset-failed"]);
    assert!(host.start("pull"), "{}", machine.journal("nixfleet-pull"));
}

/// Tests of a user of their own record their results in a state directory that stays nixfleet's.
#[test]
fn tests_run_as_a_user_of_their_own() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::install(&machine);
    machine.succeed(&["useradd", "--system", "tester"]);
    host.remote.set_test("web1", "20-who", "#!/bin/sh\ntest $(id --user --name) = tester\n");
    // What an administrator gives to the unit is for the tests; what the step needs is not. 13 is CAP_NET_RAW.
    host.remote.set_test("web1", "30-may", "#!/bin/sh\ngrep --line-regexp 'CapEff:.0*2000' /proc/self/status\n");
    host.remote.commit("who");
    install_drop_ins(&machine, "full");
    machine.shell("install -D --mode 600 /dev/null /run/secrets/fleet-deploy-key");
    host.configure(r#", "tests": { "user": "tester" }"#);
    for operation in ["pull", "switch", "test", "pull"] {
        assert!(host.start(operation), "{operation}: {}", machine.journal(&format!("nixfleet-{operation}")));
    }
    assert_eq!(host.results(), ["pull success", "switch success", "test success", "pull success"]);
    assert_eq!(machine.succeed(&["stat", "--format=%U %G %a", "/var/lib/nixfleet"]), "nixfleet nixfleet 755");
    assert!(machine.read("/var/lib/nixfleet/tests.json").contains("20-who"));
}

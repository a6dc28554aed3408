//! A machine of a fleet whose configuration comes from another machine of it.

use crate::fleet_host::{FleetHost, begin, install_programs, recorded_results, scraped_states};
use crate::machine::Machine;

/// A host with nixfleet that pulls from elsewhere.
#[derive(Debug)]
pub struct FleetMember<'a> {
    pub machine: &'a Machine,
}

/// Serves the repositories of this host to the others, over git's own protocol.
pub fn serve(origin: &FleetHost<'_>) {
    let daemon = ["git", "daemon", "--export-all", "--reuseaddr", "--base-path=/srv"];
    let unit = ["systemd-run", "--quiet", "--unit=git-daemon", "--uid=nixfleet", "--gid=nixfleet"];
    origin.machine.succeed(&[&unit[..], &daemon].concat());
}

impl<'a> FleetMember<'a> {
    /// Installs nixfleet with the configuration that the repository of `origin` has for a host of this machine's name.
    pub fn join(machine: &'a Machine, origin: &FleetHost<'_>) -> Self {
        let from = origin.machine.name();
        let member = Self::follow(machine, &format!("git://{from}/configuration"), "");
        // As the lock names it.
        machine.succeed(&["install", "--directory", "--owner", "nixfleet", "--group", "nixfleet", "/srv/nixpkgs"]);
        let clone = ["git", "clone", "--quiet", &format!("git://{from}/nixpkgs"), "/srv/nixpkgs"];
        machine.wait_until("git is served", std::time::Duration::from_mins(4), || {
            machine.run_as("nixfleet", &clone).success()
        });
        member
    }

    /// Installs nixfleet with the configuration that this remote has for a host of this machine's name, and with more members
    /// of its own configuration.
    pub fn follow(machine: &'a Machine, url: &str, members: &str) -> Self {
        install_programs(machine);
        let name = machine.name();
        let text = format!(r#"{{ "host": "{name}", "repository": {{ "url": "{url}", "branch": "main" }}{members} }}"#);
        machine.write("/etc/nixfleet/config.json", text);
        begin(machine);
        Self { machine }
    }

    /// The five states of a scrape, as letters.
    pub fn states(&self) -> String {
        scraped_states(self.machine)
    }

    /// The results in the journal of operations, in order: `switch success`.
    pub fn results(&self) -> Vec<String> {
        recorded_results(self.machine)
    }
}

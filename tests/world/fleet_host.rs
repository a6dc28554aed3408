//! A machine on which nixfleet is installed, and the repository that its configuration comes from.

mod journal;
mod story;

use nixfleet_core::model::HostStatus;

use crate::machine::{ConfigurationRepository, Machine, Output};
use crate::programs::program;
use crate::states::letters;

pub use journal::Run;
pub use story::{AGENT, LIMIT};

/// Where the programs lie in the machine.
const PROGRAMS: &str = "/opt/nixfleet/bin";

/// Where `nixos-rebuild`, `nix`, `git` and `ssh` lie there.
const PATH: &str = "/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The remote, as the machine reaches it.
const REMOTE: &str = "/srv/configuration";

/// A host with nixfleet's own units, polkit rule, user and directories, all from `modules/`.
#[derive(Debug)]
pub struct FleetHost<'a> {
    pub machine: &'a Machine,
    pub remote: ConfigurationRepository<'a>,
}

impl<'a> FleetHost<'a> {
    /// Installs nixfleet. The remote has a host `web1` with one test that passes; nothing is pulled yet.
    pub fn install(machine: &'a Machine) -> Self {
        install_programs(machine);
        let remote = ConfigurationRepository::create(machine, "nixfleet", REMOTE, "/srv/nixpkgs");
        remote.set_host("web1", "");
        remote.set_test("web1", "10-passes", "#!/bin/sh\necho all is well\n");
        remote.commit("web1");
        let host = Self { machine, remote };
        host.configure("");
        begin(machine);
        host
    }

    /// Writes the configuration, with more members than the remote's address.
    pub fn configure(&self, members: &str) {
        self.configure_remote(&format!("file://{REMOTE}"), "", members);
    }

    /// The same, with more members of the repository, too.
    pub fn configure_repository(&self, of_repository: &str, members: &str) {
        self.configure_remote(&format!("file://{REMOTE}"), of_repository, members);
    }

    /// Makes pull and build work in this user's checkout, as the NixOS module does for `repository.user`.
    pub fn use_repository_of(&self, user: &str, path: &str) {
        let with_names = |text: String| text.replace("@user@", user).replace("-@repository@", &unit_path("-", path));
        for entry in std::fs::read_dir(modules().join("units/user-repository")).unwrap().map(Result::unwrap) {
            let file = entry.file_name().into_string().unwrap();
            let unit = file.strip_suffix(".conf").unwrap();
            let text = with_names(module(&format!("units/user-repository/{file}")));
            self.machine.write(format!("/etc/systemd/system/{unit}.d/user-repository.conf"), text);
        }
        let directories = module("system/user-repository/nixfleet.tmpfiles.conf");
        self.machine.write("/usr/lib/tmpfiles.d/nixfleet.conf", directories);
        self.machine.succeed(&["systemd-tmpfiles", "--create", "nixfleet.conf"]);
        self.machine.succeed(&["systemctl", "daemon-reload"]);
        let path = path.replace('"', r#"\""#);
        self.configure_repository(&format!(r#", "path": "{path}", "user": "{user}""#), "");
    }

    /// Starts an operation as an administrator does, and waits for its end; whether it succeeded.
    pub fn start(&self, operation: &str) -> bool {
        self.systemctl_start(operation).success()
    }

    fn systemctl_start(&self, operation: &str) -> Output {
        self.machine.run(&["systemctl", "start", &format!("nixfleet-{operation}.service")])
    }

    /// The five states of a scrape, as letters.
    pub fn states(&self) -> String {
        scraped_states(self.machine)
    }

    /// The status as `nixfleet status --json` prints it; it shows the same states as a scrape.
    pub fn status(&self) -> HostStatus {
        let status: HostStatus = serde_json::from_str(&self.status_json()).unwrap();
        assert_eq!(letters(&status), self.states());
        status
    }

    /// The results in the journal of operations, in order: `switch success`.
    pub fn results(&self) -> Vec<String> {
        recorded_results(self.machine)
    }

    /// The store path of the running system.
    pub fn running_system(&self) -> Option<String> {
        self.machine.link_target("/run/current-system")
    }
}

/// A path as one word of a unit's setting, as `modules/host/unit-path.nix` writes it.
pub fn unit_path(prefix: &str, path: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._@:+,=-".contains(character);
    let text = format!("{prefix}{path}");
    if path.chars().all(is_plain) {
        return text;
    }
    format!("\"{}\"", text.replace('%', "%%").replace('"', "\"'\"'\""))
}

/// Puts nixfleet's own programs, units, polkit rule, user and directories there.
pub(crate) fn install_programs(machine: &Machine) {
    for name in ["nixfleet", "nixfleet-agent", "nixfleet-exporter"] {
        machine.write_executable(format!("{PROGRAMS}/{name}"), std::fs::read(program(name)).unwrap());
    }
    machine.write("/usr/lib/sysusers.d/nixfleet.conf", module("system/nixfleet.sysusers.conf"));
    machine.write("/usr/lib/tmpfiles.d/nixfleet.conf", module("system/nixfleet.tmpfiles.conf"));
    machine.write("/etc/polkit-1/rules.d/50-nixfleet.rules", module("polkit/50-nixfleet.rules"));
    let units = std::fs::read_dir(modules().join("units")).unwrap().map(Result::unwrap);
    for unit in units.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name.starts_with("nixfleet-"))
    {
        let text = module(&format!("units/{unit}"))
            .replace("@agent@", &format!("{PROGRAMS}/nixfleet-agent"))
            .replace("@exporter@", &format!("{PROGRAMS}/nixfleet-exporter"))
            .replace("@path@", PATH);
        machine.write(format!("/etc/systemd/system/{unit}"), text);
    }
}

/// Makes what was installed known to systemd, and serves the metrics.
pub(crate) fn begin(machine: &Machine) {
    machine.succeed(&["systemd-sysusers"]);
    machine.succeed(&["systemd-tmpfiles", "--create", "nixfleet.conf"]);
    machine.succeed(&["systemctl", "daemon-reload"]);
    machine.succeed(&["systemctl", "start", "nixfleet-exporter.socket"]);
}

/// The five states of a scrape, as letters.
///
/// On a machine under load a source may take longer than the exporter waits for it, and the exporter says so: that is no
/// answer yet. What cannot be read for another reason is told at once, each time.
pub(crate) fn scraped_states(machine: &Machine) -> String {
    let scrape = || machine.succeed(&["curl", "--silent", "--show-error", "--fail", "http://localhost:19931/metrics"]);
    let is_unreadable = |line: &str| line.starts_with("nixfleet_exporter_collect_errors{") && line.ends_with(" 1");
    let mut metrics = scrape();
    for _ in 0..10 {
        if !metrics.lines().any(is_unreadable) {
            break;
        }
        metrics = scrape();
    }
    let state = |compartment: &str| {
        let is_one = |letter_and_state: &&(char, &str)| {
            let series = format!(
                "nixfleet_compartment_state{{compartment=\"{compartment}\",state=\"{}\"}} 1",
                letter_and_state.1
            );
            metrics.lines().any(|line| line == series)
        };
        let all = [('G', "ok"), ('Y', "outdated"), ('R', "error"), ('B', "working"), ('-', "unknown")];
        all.iter().find(is_one).map_or('?', |(letter, _)| *letter)
    };
    ["agent", "git", "lock", "system", "tests"].into_iter().map(state).collect()
}

/// The results in the journal of operations, in order: `switch success`.
pub(crate) fn recorded_results(machine: &Machine) -> Vec<String> {
    let journal = machine.try_read("/var/lib/nixfleet/journal.jsonl").unwrap_or_default();
    let entries = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let ended = entries.filter(|entry| entry["event"] == "ended");
    ended.map(|it| format!("{} {}", it["operation"].as_str().unwrap(), it["result"].as_str().unwrap())).collect()
}

fn modules() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules")
}

fn module(path: &str) -> String {
    std::fs::read_to_string(modules().join(path)).unwrap()
}

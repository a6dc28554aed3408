//! What the host lived through before a story begins.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nixfleet_core::observation::Operation;

use super::ExampleHost;
use crate::example_flake::{FIRST, FLAKE, TESTS, lock};
use crate::git_server::repository::git;

/// The boot in which the host was installed …
pub(super) const FIRST_BOOT: &str = "7c3f2a10-9b5e-4d6c-8f01-2a3b4c5d6e7f";
/// … and the one that it is in.
const SECOND_BOOT: &str = "0b9f8a7e-6c5d-4e3f-8a2b-1c0d9e8f7a6b";

const CONFIGURATION: &str = "hosts/web1/configuration.nix";
const DAY: Duration = Duration::from_hours(24);

impl ExampleHost {
    /// An installation, a change that broke the web server and was rolled back, its fix, and a restart of the machine in
    /// the middle of a pull. Ends two hours before `now`.
    pub(super) fn live_through_three_weeks(&mut self, now: Timestamp) {
        self.root.write("/proc/sys/kernel/random/boot_id", format!("{FIRST_BOOT}\n"));
        self.fleet_begins();
        self.agent_lists_pull_requests(Vec::new());
        self.agent_looks_at_the_remote();
        self.pulled();
        self.switched();
        self.root.boot(self.running_system());
        self.tests_passed();

        self.wait(7 * DAY);
        let broken = "{ networking.firewall.enable = true; services.nginx.enable = true; }\n";
        self.commit_is_pushed(&[(CONFIGURATION, broken)], "web1: enable the firewall");
        self.pulled();
        self.switched();
        self.tests_failed();
        self.rolled_back();

        self.wait(DAY);
        let fixed = "{ networking.firewall.allowedTCPPorts = [ 443 ]; services.nginx.enable = true; }\n";
        self.commit_is_pushed(&[(CONFIGURATION, fixed)], "web1: open port 443");
        self.pulled();
        self.switched();
        self.tests_passed();

        self.wait(3 * DAY);
        self.start(Operation::Pull, self.head());
        self.wait(Duration::from_mins(2));
        self.reboots(SECOND_BOOT);
        self.pulled();

        self.clock = now - SignedDuration::from_hours(2);
        self.agent_lists_pull_requests(Vec::new());
        self.agent_looks_at_the_remote();
        self.agent_lives();
    }

    fn fleet_begins(&self) {
        let parent = self.remote.parent().unwrap();
        git(parent, &["init", "--quiet", "--bare", &text(&self.remote)]);
        git(parent, &["init", "--quiet", &text(&self.workstation)]);
        git(&self.workstation, &["remote", "add", "origin", &self.url()]);
        let (lock, tests) = (lock(FIRST), TESTS.map(|(name, script)| (format!("hosts/web1/tests/{name}"), script)));
        let mut files = vec![
            ("flake.nix", FLAKE),
            ("flake.lock", lock.as_str()),
            (CONFIGURATION, "{ services.nginx.enable = true; }\n"),
        ];
        files.extend(tests.iter().map(|(name, script)| (name.as_str(), *script)));
        self.commit(&files, "web1: a web server");
        git(&self.workstation, &["push", "--quiet", "--set-upstream", "origin", "main"]);
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

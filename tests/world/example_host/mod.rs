//! A whole host, made of real files: a fleet's repository, its checkout, the recorded state, a NixOS-shaped system.
//!
//! What happens on a host are methods, which leave what the agent and the units would: see `events` and `operations`.
//! The host has a clock of its own, which starts weeks ago, so that each event has its time and none lies in the future.

mod events;
mod history;
mod operations;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nixfleet_core::Revision;
use nixfleet_core::observation::AgentHeartbeat;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use serde_json::json;
use tempfile::TempDir;

use crate::git_server::repository::git;
use crate::nixos_root::NixosRoot;
pub use operations::Run;

/// A host named web1.
pub struct ExampleHost {
    /// What would be `/` on a real host.
    pub root: NixosRoot,
    /// The fleet's repository, bare, as a forge has it.
    pub remote: PathBuf,
    /// A person's checkout of it, from which commits are pushed.
    pub workstation: PathBuf,
    /// `/var/lib/nixfleet` of the host.
    pub state: StateDirectory,
    /// `/run/nixfleet` of the host.
    pub runtime: RuntimeDirectory,
    /// `/etc/nixfleet/config.json` of the host.
    pub config: PathBuf,
    /// What the host's clock shows: the next event takes place then.
    pub clock: Timestamp,
    boot_id: &'static str,
    booted_at: Timestamp,
    generations: BTreeMap<u64, Revision>,
    runs: u64,
    _temporary: Option<TempDir>,
}

impl ExampleHost {
    /// In row 1 of the semantics: all is current and passed. Gone when dropped.
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        // For the exporter, which is another user.
        open_to_all(directory.path());
        let path = directory.path().to_owned();
        Self::build(&path, Some(directory))
    }

    /// The same in this directory, which stays.
    pub fn in_directory(directory: &Path) -> Self {
        Self::build(directory, None)
    }

    fn build(directory: &Path, temporary: Option<TempDir>) -> Self {
        let root = NixosRoot::in_directory(&directory.join("host"));
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let mut host = Self {
            remote: directory.join("fleet.git"),
            workstation: directory.join("workstation"),
            state: StateDirectory::new(root.on_host("/var/lib/nixfleet")),
            runtime: RuntimeDirectory::new(root.on_host("/run/nixfleet")),
            config: root.on_host("/etc/nixfleet/config.json"),
            clock: now - SignedDuration::from_hours(21 * 24),
            boot_id: history::FIRST_BOOT,
            booted_at: now,
            generations: BTreeMap::new(),
            runs: 0,
            root,
            _temporary: temporary,
        };
        host.root.directory("/var/lib/nixfleet");
        host.root.directory("/run/nixfleet");
        host.root.directory("/run/systemd/units");
        // A sign of life is given once: a test on a slow machine is no silent agent.
        let config = json!({
            "host": "web1",
            "repository": { "url": host.url(), "branch": "main" },
            "agent": { "heartbeat_deadline_seconds": 3600 }
        });
        host.root.write("/etc/nixfleet/config.json", format!("{config:#}\n"));
        host.live_through_three_weeks(now);
        host
    }

    /// The options of `nixfleet status` and `nixfleet-exporter` that name this host.
    pub fn options(&self) -> Vec<String> {
        [
            ("--config", self.config.as_path()),
            ("--state-directory", &self.state.path),
            ("--runtime-directory", &self.runtime.path),
            ("--root", self.root.path()),
        ]
        .into_iter()
        .flat_map(|(option, path)| [option.to_owned(), path.display().to_string()])
        .collect()
    }

    /// The address of the fleet's repository.
    pub fn url(&self) -> String {
        format!("file://{}", self.remote.display())
    }

    /// The host's checkout.
    pub fn checkout(&self) -> PathBuf {
        self.state.repository_path()
    }

    /// The commit of the checkout.
    pub fn head(&self) -> Revision {
        git(&self.checkout(), &["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// The system that runs.
    pub fn running_system(&self) -> PathBuf {
        std::fs::read_link(self.root.on_host("/run/current-system")).unwrap()
    }

    /// Lets time pass on the host's clock.
    pub fn wait(&mut self, time: Duration) {
        self.clock += time;
    }

    /// The agent gives a sign of life: at the real time, which the programs that look at this host compare it with.
    pub fn agent_lives(&self) {
        let now = Timestamp::now();
        let heartbeat = AgentHeartbeat {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: Some(crate::example_flake::NIXFLEET.parse().unwrap()),
            started_at: self.booted_at,
            heartbeat_at: now,
            next_check_at: Some(now + SignedDuration::from_mins(5)),
        };
        self.runtime.write_agent(&heartbeat).unwrap();
    }
}

/// Lets everybody read and enter this directory.
pub fn open_to_all(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
}

//! A machine from its first boot to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::supervisor::Supervisor;
use super::{Image, control_groups};

/// How long a boot may take before something is taken to be wrong; it takes a second or two.
const BOOT_LIMIT: Duration = Duration::from_mins(5);
const STAND_INS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/stand-ins");

/// A booted machine. Dropping it ends it, and nothing of it stays.
#[derive(Debug)]
pub struct Machine {
    name: String,
    image: Image,
    control_group: PathBuf,
    supervisor: Supervisor,
    /// Its process 1, as this host counts; none when it is off.
    first_process: Mutex<Option<u32>>,
}

impl Machine {
    /// A machine with this host name, a new disk and the stand-ins of NixOS, up and at rest.
    pub fn boot(image: &Image, name: &str) -> Self {
        let machine = Self::new(image, name);
        machine.boot_again();
        machine
    }

    /// A machine that is off, for what is to be there when it boots first.
    pub fn new(image: &Image, name: &str) -> Self {
        let group = control_groups::new_group();
        let scripts = [include_str!("supervise"), include_str!("start"), include_str!("stage-2")];
        let supervisor = Supervisor::start(
            &["--mount", "--net"],
            scripts[0],
            &["supervise", image.directory().to_str().unwrap(), name, group.to_str().unwrap(), scripts[1], scripts[2]],
        );
        supervisor.answer("ready", Path::new("/dev/null"));
        let machine = Self {
            name: name.to_owned(),
            image: image.clone(),
            control_group: group,
            supervisor,
            first_process: Mutex::new(None),
        };
        machine.write("/etc/hostname", format!("{name}\n"));
        machine.write("/etc/hosts", format!("127.0.0.1 localhost\n127.0.1.1 {name}\n"));
        let id = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
        machine.write("/etc/machine-id", id.replace('-', ""));
        machine.install_stand_ins();
        machine
    }

    /// Boot from the disk as it is.
    pub fn boot_again(&self) {
        assert!(self.running().is_none(), "{} is on", self.name);
        self.supervisor.tell("boot");
        let process = self.supervisor.answer("on ", &self.console_file());
        self.now_runs(Some(process.parse().unwrap()));
        self.wait_for_boot();
    }

    /// End all processes at once and forget what is in memory. What was written stays, synced or not.
    pub fn power_loss(&self) {
        self.now_runs(None);
        self.supervisor.tell("kill");
        self.supervisor.answer("off", &self.console_file());
    }

    /// Shut down in order.
    pub fn shut_down(&self) {
        let process = self.first_process();
        self.succeed(&["systemctl", "poweroff"]);
        let end = Instant::now() + BOOT_LIMIT;
        while is_alive(process) {
            assert!(Instant::now() < end, "{} does not shut down; its console:\n{}", self.name, self.console());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.power_loss();
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The control group it is in, as this host sees it.
    pub fn control_group(&self) -> &Path {
        &self.control_group
    }

    /// What it said before its journal was there.
    pub fn console(&self) -> String {
        fs::read_to_string(self.console_file()).unwrap_or_default()
    }

    /// The process 1 of the machine, as this host counts.
    pub fn first_process(&self) -> u32 {
        self.running().unwrap_or_else(|| panic!("{} is off", self.name))
    }

    pub(super) fn running(&self) -> Option<u32> {
        *self.first_process.lock().unwrap()
    }

    fn now_runs(&self, process: Option<u32>) {
        *self.first_process.lock().unwrap() = process;
    }

    /// A process that holds the machine's network namespace, whether it runs or not.
    pub(super) fn network_process(&self) -> u32 {
        self.supervisor.id()
    }

    pub(super) fn root_when_off(&self) -> PathBuf {
        self.mountpoint().join("root")
    }

    fn console_file(&self) -> PathBuf {
        self.mountpoint().join("console")
    }

    fn mountpoint(&self) -> PathBuf {
        let directory = self.image.directory().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.supervisor.id().to_string()).join("root").join(directory).join("mountpoint")
    }

    fn wait_for_boot(&self) {
        let end = Instant::now() + BOOT_LIMIT;
        loop {
            assert!(
                is_alive(self.first_process()),
                "{} died while it booted; its console:\n{}",
                self.name,
                self.console()
            );
            let state = self.run_within(BOOT_LIMIT, "root", &["systemctl", "is-system-running", "--wait"]);
            if matches!(state.stdout.trim(), "running" | "degraded") {
                return;
            }
            if Instant::now() > end {
                let journal = self.run(&["journalctl", "--no-pager", "--boot"]).stdout;
                let jobs = self.run(&["systemctl", "list-jobs", "--no-pager"]).stdout;
                panic!("{} does not come up: {state:?}\n{journal}\n{jobs}\n{}", self.name, self.console());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn install_stand_ins(&self) {
        let stand_ins = Path::new(STAND_INS);
        self.write_executable("/usr/bin/nixos-rebuild", fs::read(stand_ins.join("nixos-rebuild")).unwrap());
        for entry in fs::read_dir(stand_ins.join("toy-nixos")).unwrap().map(Result::unwrap) {
            let inside = Path::new("/usr/share/toy-nixos").join(entry.file_name());
            self.write(inside, fs::read(entry.path()).unwrap());
        }
    }
}

/// Neither gone nor waiting to be reaped.
fn is_alive(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state follows the name, which is in parentheses.
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

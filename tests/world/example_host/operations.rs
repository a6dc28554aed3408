//! What the units do on the host, and what they leave: journal entries, files, the moved checkout, the new system.

use std::path::PathBuf;
use std::time::Duration;

use nixfleet_core::observation::{IndividualTest, IndividualTestResult, Operation, OperationResult, Phase};
use nixfleet_core::state_directory::{Ended, JournalEntry, Progress, Started, TestCounts, TestRunRecord};
use nixfleet_core::{Revision, Sha256};

use super::ExampleHost;
use crate::example_flake::TESTS;
use crate::git_server::repository::git;
use crate::nixos_root::Toplevel;

/// The hash parts of the store paths of the systems that are built, in this order.
const HASHES: [&str; 6] = [
    "q7c1l6wz0hsd3k9v2mnp5x8yb4frja0i",
    "3m8zvkd5nq1cya7r9hx2wl6psb0fj4gi",
    "x2f9h4sjw8pbn0l6a3vqk7rzd1c5ymgi",
    "b6r0ywv3zkl8c1nfx5s9ph2qj7d4mag1",
    "k4p7nqh1x9c3w0zvyl5b8d2sfr6mjag2",
    "8dj2sfn6yv0hqx4lk1b9zw7cpr3am5g3",
];

/// An operation that runs.
#[derive(Debug, Clone)]
pub struct Run {
    operation: Operation,
    invocation_id: String,
    revision: Revision,
    store_path: Option<PathBuf>,
}

impl ExampleHost {
    /// A pull starts.
    pub fn pull_starts(&mut self) -> Run {
        let tip = git(&self.remote, &["rev-parse", "main"]).parse().unwrap();
        self.start(Operation::Pull, tip)
    }

    /// It brings the tip of the branch.
    pub fn pull_succeeds(&mut self, run: &Run) {
        if self.checkout().exists() {
            git(&self.checkout(), &["pull", "--quiet", "--ff-only"]);
        } else {
            let checkout = self.checkout().display().to_string();
            git(&self.state.path, &["clone", "--quiet", &self.url(), &checkout]);
        }
        self.end(run, OperationResult::Success, |_| {});
        self.agent_looks_at_the_remote();
    }

    /// A pull from its start to its end.
    pub fn pulled(&mut self) {
        let run = self.pull_starts();
        self.pull_succeeds(&run);
    }

    /// A switch to the commit of the checkout starts.
    pub fn switch_starts(&mut self) -> Run {
        self.start(Operation::Switch, self.head())
    }

    /// It builds the system, makes it a generation, and activates it.
    pub fn switch_succeeds(&mut self, run: &Run) {
        let generation = self.newest_generation() + 1;
        let system = self.root.build(&Toplevel {
            hash: HASHES[usize::try_from(generation).unwrap() % HASHES.len()],
            configuration_revision: Some(run.revision.to_string()),
            // A new nixpkgs brings a new kernel.
            kernel_version: Some(if self.lock_is_updated() { "6.12.21" } else { "6.12.19" }),
            ..Toplevel::default()
        });
        self.progress(run, Phase::Activation, Some(system.clone()));
        self.root.add_generation(generation, &system, self.clock.as_second());
        self.root.run(&system);
        self.generations.insert(generation, run.revision.clone());
        self.end(run, OperationResult::Success, |ended| ended.generation = Some(generation));
    }

    /// It does not build.
    pub fn switch_fails(&mut self, run: &Run) {
        self.end(run, OperationResult::Failed, |ended| {
            ended.exit_code = Some(1);
            ended.phase = Some(Phase::Build);
            ended.detail = Some("error: attribute 'nginx' missing".to_owned());
        });
    }

    /// A switch from its start to its end.
    pub fn switched(&mut self) {
        let run = self.switch_starts();
        self.switch_succeeds(&run);
    }

    /// A run of the tests starts.
    pub fn tests_start(&mut self) -> Run {
        self.start(Operation::Test, self.head())
    }

    /// It ends; these tests failed.
    pub fn tests_end(&mut self, run: &Run, failing: &[&str]) {
        let tests = TESTS.map(|(name, _)| {
            let failed = failing.contains(&name);
            IndividualTest {
                name: name.to_owned(),
                result: if failed { IndividualTestResult::Failed } else { IndividualTestResult::Passed },
                duration_seconds: 2,
                exit_code: Some(i32::from(failed)),
            }
        });
        let result = if failing.is_empty() { OperationResult::Success } else { OperationResult::Failed };
        let record = TestRunRecord {
            invocation_id: run.invocation_id.clone(),
            store_path: run.store_path.clone(),
            revision: Some(run.revision.clone()),
            started_at: self.clock - Duration::from_secs(4),
            ended_at: Some(self.clock),
            result,
            tests: tests.to_vec(),
        };
        self.state.write_tests(&record).unwrap();
        self.end(run, result, |ended| {
            ended.exit_code = Some(i32::from(!failing.is_empty()));
            let failed = u64::try_from(failing.len()).unwrap();
            let passed = u64::try_from(TESTS.len()).unwrap() - failed;
            let failing = failing.iter().map(ToString::to_string).collect();
            ended.tests = Some(TestCounts { passed, failed, skipped: 0, failing });
        });
    }

    /// A run of the tests in which all pass.
    pub fn tests_passed(&mut self) {
        let run = self.tests_start();
        self.tests_end(&run, &[]);
    }

    /// A run of the tests in which the last fails.
    pub fn tests_failed(&mut self) {
        let run = self.tests_start();
        self.tests_end(&run, &["20-web"]);
    }

    /// A rollback to the generation before.
    pub fn rolled_back(&mut self) {
        let stepped_back_from = self.head();
        let run = self.start(Operation::Rollback, stepped_back_from.clone());
        let generation = self.newest_generation() - 1;
        let link = self.root.on_host(format!("/nix/var/nix/profiles/system-{generation}-link"));
        let system = std::fs::read_link(link).unwrap();
        self.root.link("/nix/var/nix/profiles/system", format!("system-{generation}-link"));
        self.root.run(&system);
        let went_back_to = self.generations[&generation].clone();
        self.end(&run, OperationResult::Success, |ended| {
            ended.revision = Some(went_back_to);
            ended.from_revision = Some(stepped_back_from);
            ended.generation = Some(generation);
        });
    }

    /// systemd has this run no more, and it left no word.
    pub fn is_killed_without_a_word(&mut self, run: &Run) {
        self.root.remove(unit_link(run.operation));
    }

    /// The machine starts anew, with what runs now.
    pub fn reboots(&mut self, boot_id: &'static str) {
        self.boot_id = boot_id;
        self.booted_at = self.clock;
        self.root.write("/proc/sys/kernel/random/boot_id", format!("{boot_id}\n"));
        for in_memory in ["/run/systemd/units", "/run/nixfleet"] {
            self.root.remove(in_memory);
            self.root.directory(in_memory);
        }
        self.root.boot(self.running_system());
    }

    pub(super) fn start(&mut self, operation: Operation, revision: Revision) -> Run {
        self.wait(Duration::from_mins(1));
        self.runs += 1;
        let invocation_id = Sha256::of(&self.runs.to_le_bytes()).to_string()[..32].to_owned();
        let system = self.root.on_host("/run/current-system");
        let store_path = system.is_symlink().then(|| self.running_system());
        let run = Run { operation, invocation_id, revision, store_path };
        self.root.link(unit_link(operation), &run.invocation_id);
        self.append(&JournalEntry::Started(Started {
            operation,
            unit: format!("nixfleet-{operation}.service"),
            invocation_id: run.invocation_id.clone(),
            boot_id: Some(self.boot_id.to_owned()),
            at: self.clock,
            revision: Some(run.revision.clone()),
            from_revision: None,
            from_store_path: run.store_path.clone(),
        }));
        let phase = match operation {
            Operation::Pull => Phase::Fetch,
            Operation::Switch => Phase::Build,
            Operation::Test => Phase::Tests,
            Operation::Rollback => Phase::Activation,
        };
        self.progress(&run, phase, None);
        run
    }

    fn progress(&self, run: &Run, phase: Phase, store_path: Option<PathBuf>) {
        let invocation_id = run.invocation_id.clone();
        let progress =
            Progress { invocation_id, at: self.clock, phase, revision: None, store_path, falls_back_to: None };
        self.append(&JournalEntry::Progress(progress));
    }

    fn end(&mut self, run: &Run, result: OperationResult, more: impl FnOnce(&mut Ended)) {
        self.wait(Duration::from_mins(1));
        let system = self.root.on_host("/run/current-system");
        let mut ended = Ended {
            exit_code: Some(0),
            revision: Some(run.revision.clone()),
            store_path: system.is_symlink().then(|| self.running_system()),
            ..Ended::new(run.operation, run.invocation_id.clone(), self.clock, result)
        };
        more(&mut ended);
        self.append(&JournalEntry::Ended(ended));
        self.root.remove(unit_link(run.operation));
    }

    fn newest_generation(&self) -> u64 {
        self.generations.last_key_value().map_or(38, |(number, _)| *number)
    }

    fn append(&self, entry: &JournalEntry) {
        self.state.journal().append(entry).unwrap();
    }

    fn lock_is_updated(&self) -> bool {
        let lock = std::fs::read_to_string(self.checkout().join("flake.lock")).unwrap();
        lock.contains(crate::example_flake::UPDATED.nixpkgs)
    }
}

fn unit_link(operation: Operation) -> String {
    format!("/run/systemd/units/invocation:nixfleet-{operation}.service")
}

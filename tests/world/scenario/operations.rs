//! Operations begin and end, nixfleet's and those by hand.

use nixfleet_core::observation::{
    BoundedCount, Deployed, Divergence, Generation, Held, Operation, OperationHistory, OperationResult, Phase, Pulled,
    Reading, UntilBoot,
};

use super::{Host, before, revision, store_path};

impl Host {
    pub fn pull_running(self) -> Self {
        self.running(Operation::Pull, Some(Phase::Fetch))
    }

    pub fn pulled(mut self) -> Self {
        let tip = self.0.remote.last_good.clone().unwrap();
        if self.head().as_ref() != Some(&tip.revision) {
            self.0.operations.pulled =
                Some(Pulled { revision: tip.revision.clone(), from_revision: self.head(), at: before(4) });
        }
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.head = Some(tip.revision);
        }
        self.0.local_lock = tip.lock.map_or(Reading::Absent, Reading::Present);
        self.0.divergence = Some(Divergence { ahead: BoundedCount::exactly(0), behind: BoundedCount::exactly(0) });
        self.ended(Operation::Pull, OperationResult::Success)
    }

    pub fn pull_failed(self) -> Self {
        self.ended(Operation::Pull, OperationResult::Failed)
    }

    // Switch and rollback

    pub fn switch_running(self) -> Self {
        self.running(Operation::Switch, Some(Phase::Build))
    }

    pub fn switched(mut self) -> Self {
        let head = self.head();
        let name = head.as_ref().unwrap().short().to_owned();
        self.run_system(&name, head.clone());
        self.0.operations.deployed =
            Some(Deployed { revision: head, store_path: store_path(&name), at: before(4), until_boot: None });
        self.0.operations.held = None;
        self.ended(Operation::Switch, OperationResult::Success)
    }

    /// With the action `boot`: the system of local HEAD starts at the next boot.
    pub fn switched_for_next_boot(mut self) -> Self {
        let head = self.head();
        let name = head.as_ref().unwrap().short().to_owned();
        let running = self.0.system.running.present().unwrap().clone();
        self.run_system(&name, head.clone());
        self = self.generation_made(4);
        let until_boot = Some(UntilBoot { store_path: running.store_path.clone(), revision: running.revision.clone() });
        self.0.system.running = Reading::Present(running);
        self.0.operations.deployed =
            Some(Deployed { revision: head, store_path: store_path(&name), at: before(4), until_boot });
        self.0.operations.held = None;
        self.ended(Operation::Switch, OperationResult::Success)
    }

    pub fn switch_ends(self, result: OperationResult) -> Self {
        self.ended(Operation::Switch, result)
    }

    pub fn switch_fails_but_new_system_runs(mut self) -> Self {
        let head = self.head();
        self.run_system("half", head);
        self.ended(Operation::Switch, OperationResult::Failed)
    }

    pub fn rollback_running(self) -> Self {
        self.running(Operation::Rollback, Some(Phase::Activation))
    }

    pub fn rolled_back(mut self) -> Self {
        let stepped_back_from = self.head().unwrap();
        self.run_system("9", Some(revision('9')));
        self.0.operations.deployed = Some(Deployed {
            revision: Some(revision('9')),
            store_path: store_path("9"),
            at: before(4),
            until_boot: None,
        });
        self.0.operations.held = Some(Held { revision: stepped_back_from, generation: Some(40), since: before(4) });
        self.ended(Operation::Rollback, OperationResult::Success)
    }

    pub fn rolled_back_without_revision(self) -> Self {
        let mut host = self.rolled_back();
        host.run_system("9", None);
        host.0.operations.deployed.as_mut().unwrap().revision = None;
        host
    }

    pub fn held_by_a_person(mut self) -> Self {
        self.0.operations.held = self.head().map(|revision| Held { revision, generation: None, since: before(8) });
        self
    }

    pub fn rollback_ends(self, result: OperationResult) -> Self {
        self.ended(Operation::Rollback, result)
    }

    /// The profile's newest generation is of the system that runs.
    pub fn generation_made(mut self, minutes_ago: u64) -> Self {
        let running = self.0.system.running.present().unwrap().clone();
        if let Reading::Present(generations) = &mut self.0.system.generations {
            for former in generations.iter_mut() {
                former.is_profile_default = false;
            }
            generations.push(Generation {
                number: 42,
                store_path: running.store_path,
                created_at: before(minutes_ago),
                revision: running.revision,
                nixos_version: None,
                kernel_version: None,
                is_profile_default: true,
            });
        }
        self
    }

    /// By hand, to the very system that nixfleet deployed last.
    pub fn switched_back_by_hand(mut self) -> Self {
        let deployed = self.0.operations.deployed.clone().unwrap();
        if let Reading::Present(system) = &mut self.0.system.running {
            system.store_path = deployed.store_path;
            system.revision = deployed.revision;
        }
        self
    }

    pub fn journal_unreadable(mut self) -> Self {
        self.0.operations =
            OperationHistory { problem: Some("cannot read the journal".into()), ..OperationHistory::default() };
        self
    }

    pub fn rollback_failed(self) -> Self {
        self.ended(Operation::Rollback, OperationResult::Failed)
    }

    pub fn switched_by_hand(mut self, to: char) -> Self {
        self.run_system("by-hand", Some(revision(to)));
        self
    }
}

//! What happens in the checkout.

use nixfleet_core::observation::{BoundedCount, Divergence, Reading};

use super::{Host, lock, revision};

impl Host {
    pub fn divergence(mut self, ahead: BoundedCount, behind: BoundedCount) -> Self {
        self.0.divergence = Some(Divergence { ahead, behind });
        self
    }

    pub fn on_branch(mut self, branch: Option<&str>) -> Self {
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.branch = branch.map(str::to_owned);
        }
        self
    }

    pub fn uncommitted(mut self, changes: u64) -> Self {
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.uncommitted_changes = Some(changes);
        }
        self
    }

    pub fn local_lock_missing(mut self) -> Self {
        self.0.local_lock = Reading::Absent;
        self
    }

    pub fn local_lock_broken(mut self) -> Self {
        if let Reading::Present(lock) = &mut self.0.local_lock {
            lock.inputs.clear();
            lock.problem = Some("flake.lock is empty".into());
        }
        self
    }

    pub fn local_lock_edited(mut self) -> Self {
        self.0.local_lock = Reading::Present(lock("edited by hand"));
        self
    }

    pub fn local_commit(mut self) -> Self {
        self.0.divergence = Some(Divergence { ahead: BoundedCount::exactly(1), behind: BoundedCount::exactly(0) });
        self.move_head('c');
        self
    }

    fn move_head(&mut self, to: char) {
        if let Reading::Present(repository) = &mut self.0.repository {
            repository.head = Some(revision(to));
        }
    }
}

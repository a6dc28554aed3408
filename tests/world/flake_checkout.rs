//! A checkout of a flake anywhere, and the repository that it was cloned from.

use std::path::PathBuf;

use crate::example_flake::{FIRST, FLAKE, Pins, UPDATED, lock};
use crate::git_server::repository::{TestRepository, git};

/// A checkout that is equal to its remote.
pub struct FlakeCheckout {
    /// The remote, which is `repository/.git` for a server of its root.
    pub remote: TestRepository,
    /// The checkout.
    pub local: TestRepository,
    /// What `nixfleet` is told to look at: the checkout unless a test says otherwise.
    pub path: PathBuf,
}

impl FlakeCheckout {
    pub fn new() -> Self {
        Self::cloned(&[])
    }

    /// Cloned with these options of `git clone`.
    pub fn cloned(options: &[&str]) -> Self {
        let remote = TestRepository::empty(&[]);
        remote.commit("flake.nix", FLAKE, "flake.nix");
        commit_lock(&remote, FIRST);
        let local = remote.clone(options);
        let path = local.path.clone();
        Self { remote, local, path }
    }

    /// The remote is reached at this address from now on.
    pub fn with_remote_at(self, url: &str) -> Self {
        git(&self.path, &["remote", "set-url", "origin", url]);
        self
    }

    /// The remote gets a new `flake.lock`.
    pub fn remote_is_updated(&self) {
        commit_lock(&self.remote, UPDATED);
    }
}

fn commit_lock(repository: &TestRepository, pins: Pins) {
    repository.commit("flake.lock", &lock(pins), "flake.lock: update");
}

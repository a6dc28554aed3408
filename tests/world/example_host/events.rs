//! What happens around the host: commits, pull requests, and the agent that looks at them.

use std::path::Path;

use jiff::Timestamp;
use nixfleet_core::git::RemoteStore;
use nixfleet_core::observation::{PullRequest, PullRequestList, PullRequestStatus, RemoteAttempt};

use super::ExampleHost;
use crate::example_flake::{Pins, lock};
use crate::git_server::repository::{git, git_command};
use crate::git_server::source;

/// The branch of the pull request that updates `flake.lock`.
const UPDATE: &str = "update-flake-lock";

impl ExampleHost {
    /// Somebody commits these files to `main` and pushes; the agent sees it.
    pub fn commit_is_pushed(&mut self, files: &[(&str, &str)], message: &str) {
        self.commit(files, message);
        git(&self.workstation, &["push", "--quiet", "origin", "main"]);
        self.agent_looks_at_the_remote();
    }

    /// A pull request opens that updates `flake.lock`; the agent sees it.
    pub fn update_pull_request_opens(&mut self, pins: Pins) {
        git(&self.workstation, &["checkout", "--quiet", "-b", UPDATE]);
        self.commit(&[("flake.lock", &lock(pins))], "flake.lock: update");
        git(&self.workstation, &["push", "--quiet", "origin", UPDATE]);
        let head = git(&self.workstation, &["rev-parse", "HEAD"]).parse().unwrap();
        git(&self.workstation, &["checkout", "--quiet", "main"]);
        let open = PullRequest {
            number: 7,
            url: "https://example.org/fleet/pull/7".to_owned(),
            title: "flake.lock: update".to_owned(),
            opened_at: self.clock,
            head_revision: Some(head),
            author: Some("update-bot".to_owned()),
        };
        self.agent_lists_pull_requests(vec![open]);
        self.agent_looks_at_the_remote();
    }

    /// A person merges it; the agent sees it.
    pub fn update_pull_request_is_merged(&mut self) {
        self.git_at_workstation(&["merge", "--quiet", "--no-ff", "-m", "Merge pull request #7", UPDATE]);
        git(&self.workstation, &["push", "--quiet", "origin", "main", &format!(":{UPDATE}")]);
        git(&self.workstation, &["branch", "--quiet", "-D", UPDATE]);
        self.agent_lists_pull_requests(Vec::new());
        self.agent_looks_at_the_remote();
    }

    /// The agent asks the forge for pull requests.
    pub fn agent_lists_pull_requests(&self, open: Vec<PullRequest>) {
        let list = PullRequestList { observed_at: self.clock, open, remote_url: None };
        self.state.write_pull_requests(&PullRequestStatus { last_good: Some(list), error: None }).unwrap();
    }

    /// The agent asks the remote, and records the answer or the failure.
    pub fn agent_looks_at_the_remote(&self) {
        let store = RemoteStore::new(self.state.remote_repository_path());
        let before = self.state.read_remote().unwrap();
        let checkout = self.checkout();
        let local = checkout.exists().then_some(checkout.as_path());
        let answer = store.observe(&source(&self.url(), Some("main")), before.as_ref(), local, self.clock);
        let attempts = self.runtime.read_remote_attempt().unwrap();
        let attempt = match answer {
            Ok(commit) => {
                self.state.write_remote(&commit).unwrap();
                RemoteAttempt::succeeded(attempts.as_ref(), self.clock)
            }
            Err(error) => RemoteAttempt::failed(attempts.as_ref(), self.clock, error.to_string()),
        };
        self.runtime.write_remote_attempt(&attempt).unwrap();
    }

    pub(super) fn commit(&self, files: &[(&str, &str)], message: &str) {
        for (name, text) in files {
            let path = self.workstation.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            if text.starts_with("#!") {
                super::open_to_all(&path);
            }
        }
        git(&self.workstation, &["add", "--all"]);
        self.git_at_workstation(&["commit", "--quiet", "-m", message]);
    }

    fn git_at_workstation(&self, arguments: &[&str]) {
        git_at(&self.workstation, self.clock, arguments);
    }
}

/// Runs `git`, which takes this for the time.
fn git_at(directory: &Path, time: Timestamp, arguments: &[&str]) {
    let date = format!("{} +0000", time.as_second());
    let mut command = git_command(directory);
    command.args(arguments).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
    assert!(command.status().unwrap().success(), "git {arguments:?}");
}

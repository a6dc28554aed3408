//! A person's machine: a checkout of a fleet whose remote is on a GitHub of our own, and no nixfleet installed.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it, and stops at what it did not expect")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use world::example_flake::{FIRST, Pins, UPDATED, lock};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::git;
use world::github::{GithubServer, Pull, PullState};

pub const NIXFLEET: &str = env!("CARGO_BIN_EXE_nixfleet");
const BRANCH: &str = "update-flake-lock";

pub struct Desk {
    pub github: GithubServer,
    pub git: HttpServer,
    pub home: tempfile::TempDir,
}

#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// It failed with one sentence that has these words.
    pub fn failed_with(&self, words: &str) {
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(self.code == Some(1) && last.starts_with("nixfleet: ") && last.contains(words), "{words}: {self:?}");
    }
}

impl Desk {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        std::fs::create_dir_all(at("served/example")).unwrap();
        git(home.path(), &["init", "--quiet", "--bare", "served/example/fleet.git"]);
        git(&at("served/example/fleet.git"), &["config", "http.receivepack", "true"]);
        let git_server = HttpServer::start(&at("served"), Behaviour::default());
        git(home.path(), &["init", "--quiet", "checkout"]);
        let desk = Self { github: GithubServer::start(), git: git_server, home };
        for (key, value) in [("user.name", "Alice"), ("user.email", "alice@example.org")] {
            git(&desk.checkout(), &["config", key, value]);
        }
        git(&desk.checkout(), &["remote", "add", "origin", &desk.url()]);
        desk.commit("flake.lock", &lock(FIRST), "a fleet");
        git(&desk.checkout(), &["push", "--quiet", "--set-upstream", "origin", "main"]);
        desk
    }

    pub fn url(&self) -> String {
        self.git.url().replace("/repository/.git", "/example/fleet.git")
    }

    pub fn checkout(&self) -> PathBuf {
        self.home.path().join("checkout")
    }

    pub fn remote(&self) -> PathBuf {
        self.home.path().join("served/example/fleet.git")
    }

    pub fn commit(&self, file: &str, content: &str, message: &str) -> String {
        std::fs::write(self.checkout().join(file), content).unwrap();
        git(&self.checkout(), &["add", "--all"]);
        git(&self.checkout(), &["commit", "--quiet", "--message", message]);
        git(&self.checkout(), &["rev-parse", "HEAD"])
    }

    /// The branch of an update, on the remote, and its pull request.
    pub fn update(&self, number: u64, pins: Pins) -> Pull {
        let checkout = self.checkout();
        let base = git(&checkout, &["rev-parse", "main"]);
        git(&checkout, &["checkout", "--quiet", "-B", BRANCH, "main"]);
        let head = self.commit("flake.lock", &lock(pins), "flake.lock: update");
        git(&checkout, &["push", "--quiet", "--force", "origin", BRANCH]);
        git(&checkout, &["checkout", "--quiet", "main"]);
        let locks = [(base.as_str(), lock(FIRST)), (head.as_str(), lock(pins))];
        let locks: Vec<_> = locks.iter().map(|(revision, lock)| (*revision, lock.as_bytes())).collect();
        self.github.has_branch(&base, &locks);
        Pull { head, base_revision: base, ..Pull::update(number) }
    }

    /// #7 is open, and GitHub's merge button merges on the remote.
    pub fn with_update() -> Self {
        let desk = Self::new();
        desk.github.has(vec![desk.update(7, UPDATED)]);
        let remote = desk.remote();
        desk.github.on_merge(move |number, method| merge_on(&remote, number, method));
        desk
    }

    /// #7 was merged, and the checkout knows nothing of it.
    pub fn with_merged() -> (Self, String) {
        let desk = Self::with_update();
        let revision = merge_on(&desk.remote(), 7, "merge");
        desk.github.change(7, |pull| pull.state = PullState::Merged(revision.clone()));
        (desk, revision)
    }

    pub fn lock_on_remote(&self) -> String {
        format!("{}\n", git(&self.remote(), &["show", "main:flake.lock"]))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(NIXFLEET);
        for name in [
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "NIXFLEET_PROMETHEUS_URL",
            "XDG_STATE_HOME",
            "SUDO_USER",
            "NO_COLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(name);
        }
        let absent = self.home.path().join("absent");
        command.env("HOME", self.home.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.args(arguments).arg("--api-url").arg(self.github.api_url());
        command.arg("--config").arg(absent.join("config.json")).arg("--state-directory").arg(&absent);
        command.stdin(Stdio::null());
        command
    }

    pub fn pr(&self, arguments: &[&str]) -> Ended {
        let checkout = self.checkout();
        let arguments = [&["pr"], arguments, &["--repo", checkout.to_str().unwrap()]].concat();
        run(&mut self.command(&arguments))
    }

    /// Action and outcome of all that is recorded.
    pub fn audit(&self) -> Vec<(String, String, String)> {
        let path = self.home.path().join(".local/state/nixfleet/audit.jsonl");
        let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
        let entry = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(!entry["who"].as_str().unwrap().is_empty() && entry["at"].is_string(), "{entry}");
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (text("action"), text("outcome"), text("detail"))
        };
        text.lines().map(entry).collect()
    }

    pub fn puts(&self) -> usize {
        self.github.exchanges().iter().filter(|exchange| exchange.method != "GET").count()
    }
}

pub fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What GitHub's merge button does, on the bare repository.
pub fn merge_on(remote: &Path, number: u64, method: &str) -> String {
    let tree = git(remote, &["rev-parse", &format!("{BRANCH}^{{tree}}")]);
    let message = format!("Merge pull request #{number}");
    let mut arguments = vec!["commit-tree", &tree, "-p", "main", "-m", &message];
    if method == "merge" {
        arguments.extend(["-p", BRANCH]);
    }
    let revision = git(remote, &arguments);
    git(remote, &["update-ref", "refs/heads/main", &revision]);
    revision
}

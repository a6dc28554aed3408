//! A remote whose commits have to be signed, with real keys.

#![allow(dead_code, reason = "no test uses all of it")]

use std::path::PathBuf;

use jiff::Timestamp;
use nixfleet_core::config::SignaturesConfig;
use nixfleet_core::git::signature::{SignatureError, TrustedKeys, verify_incoming};
use nixfleet_core::git::{RemoteStore, RewrittenBranch, fast_forward};
use tempfile::TempDir;
use world::git_server::repository::{TestRepository, git, git_command};
use world::git_server::source;
use world::signing::{GitOptions, OpenPgpHome, SshKey};

pub const ALICE: &str = "alice@example.org";
pub const BOB: &str = "bob@example.org";

/// A remote, the checkout of one host that trusts some keys, and those keys and others.
pub struct Fleet {
    pub remote: TestRepository,
    pub store: RemoteStore,
    pub checkout: PathBuf,
    pub files: TempDir,
    pub alice: SshKey,
    pub mallory: SshKey,
    pub openpgp: OpenPgpHome,
    /// Fingerprints.
    pub carol: String,
    pub forge: String,
    pub config: SignaturesConfig,
}

impl Fleet {
    pub fn new() -> Self {
        let remote = TestRepository::new();
        let files = TempDir::new().unwrap();
        let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(|name| SshKey::generate(files.path(), name));
        let openpgp = OpenPgpHome::new();
        let [carol, forge] =
            ["Carol <carol@example.org>", "Forge <forge@example.org>"].map(|owner| openpgp.generate(owner));
        let path = |name: &str| files.path().join(name);
        let allowed = format!("{ALICE} {}\n{BOB} {}\n", alice.public, bob.public);
        std::fs::write(path("allowed"), allowed).unwrap();
        openpgp.export(&path("trusted.gpg"), &[&carol]);
        openpgp.export_armoured(&path("forge.asc"), &[&forge]);
        let config = SignaturesConfig {
            allowed_signers_file: Some(path("allowed")),
            openpgp_keyring_file: Some(path("trusted.gpg")),
            forge_keyring_file: Some(path("forge.asc")),
        };
        let store = RemoteStore::new(remote.root().join("remote.git"));
        let checkout = remote.root().join("repo");
        Self { remote, store, checkout, files, alice, mallory, openpgp, carol, forge, config }
    }

    /// One whose host has pulled a first commit of Alice.
    pub fn pulled() -> Self {
        let fleet = Self::new();
        fleet.alice("start");
        fleet.pull().unwrap();
        fleet
    }

    /// A commit of `email` that adds a file; its id.
    pub fn commit(&self, options: &GitOptions, email: &str, name: &str) -> String {
        self.remote.write(name, name);
        self.remote.git(&["add", "--", name]);
        self.signed(options, email, &["commit", "--quiet", "--message", name])
    }

    /// A git command that makes a commit; its id. Without options it is not signed.
    pub fn signed(&self, options: &GitOptions, email: &str, arguments: &[&str]) -> String {
        let mut command = git_command(&self.remote.path);
        command.env("GIT_COMMITTER_EMAIL", email).args(options).args(arguments);
        if !options.is_empty() {
            command.arg("--gpg-sign");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        self.remote.head()
    }

    pub fn alice(&self, name: &str) -> String {
        self.commit(&self.alice.git_options(), ALICE, name)
    }

    pub fn unsigned(&self, name: &str) -> String {
        self.commit(&Vec::new(), ALICE, name)
    }

    /// Merges `branch` into the current one, signed with the forge's key.
    pub fn forge_merge(&self, branch: &str, more: &[&str]) -> String {
        let merge = ["merge", "--quiet", "--no-ff", "--message", "Merge pull request", branch];
        self.signed(&self.openpgp.git_options(&self.forge), "forge@example.org", &[&merge, more].concat())
    }

    /// Another content for the tip, signed anew.
    pub fn amended(&self, options: &GitOptions, email: &str, name: &str) -> String {
        self.remote.write(name, name);
        self.remote.git(&["add", "--", name]);
        self.signed(options, email, &["commit", "--quiet", "--amend", "--no-edit"])
    }

    /// As the pull does it; how many commits were verified.
    pub fn pull(&self) -> Result<usize, SignatureError> {
        self.pull_with(RewrittenBranch::Refuse)
    }

    pub fn pull_with(&self, rewritten: RewrittenBranch) -> Result<usize, SignatureError> {
        let source = source(self.remote.path.to_str().unwrap(), Some("main"));
        let tip = self.store.observe(&source, None, Some(&self.checkout), Timestamp::now()).unwrap();
        let keys = TrustedKeys::read(&self.config)?;
        let mut steps = 0;
        let verified = verify_incoming(&self.checkout, &self.store, &tip, rewritten, &keys, &mut |_, _| steps += 1)?;
        assert_eq!(steps, verified.commits);
        fast_forward(&self.checkout, &self.store, &tip, rewritten).unwrap();
        Ok(verified.commits)
    }

    /// The sentence, of a pull that leaves everything as it was.
    pub fn refused(&self) -> String {
        self.refused_with(RewrittenBranch::Refuse)
    }

    pub fn refused_with(&self, rewritten: RewrittenBranch) -> String {
        let state = || {
            let git = |arguments: &[&str]| git(&self.checkout, arguments);
            let objects = git(&["count-objects", "-v"]);
            (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain", "--branch"]), objects)
        };
        let before = self.checkout.exists().then(state);
        let error = self.pull_with(rewritten).unwrap_err();
        assert_eq!(self.checkout.exists().then(state), before, "a refused pull changed the checkout");
        error.to_string()
    }

    /// What git says of a commit, with all keys that are trusted here for anything.
    pub fn git_accepts(&self, commit: &str) -> bool {
        let home = OpenPgpHome::new();
        for file in [&self.config.openpgp_keyring_file, &self.config.forge_keyring_file].into_iter().flatten() {
            home.import(file);
        }
        let allowed = self.config.allowed_signers_file.as_ref().unwrap();
        let output = git_command(&self.remote.path)
            .env("GNUPGHOME", home.path())
            .args(["-c", &format!("gpg.ssh.allowedSignersFile={}", allowed.display()), "verify-commit", commit])
            .output()
            .unwrap();
        output.status.success()
    }

    pub fn branch(&self, name: &str) {
        self.remote.git(&["checkout", "--quiet", "-b", name]);
    }

    pub fn main(&self) {
        self.remote.git(&["checkout", "--quiet", "main"]);
    }

    /// Makes the tip another object, as this function changes its text.
    pub fn tamper(&self, change: impl Fn(String) -> String) -> String {
        let text = change(self.remote.git(&["cat-file", "commit", "HEAD"]) + "\n");
        let file = self.files.path().join("object");
        std::fs::write(&file, text).unwrap();
        let object = self.remote.git(&["hash-object", "-t", "commit", "-w", "--literally", file.to_str().unwrap()]);
        self.remote.git(&["reset", "--quiet", "--hard", &object]);
        object
    }
}

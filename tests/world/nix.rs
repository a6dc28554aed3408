//! Nix as an evaluator, with a store of its own that is gone afterwards; and the tree of nixpkgs, where there is one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// Names a directory with `lib/` and `nixos/` of nixpkgs; `checks/evaluate` says where to get them.
const TREE: &str = "NIXFLEET_NIXPKGS";

/// The top of this project.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The tree of nixpkgs; none, said aloud even for a test that passes, where the environment names none.
pub fn nixpkgs() -> Option<PathBuf> {
    let tree = std::env::var_os(TREE).map(PathBuf::from);
    if let Some(tree) = tree {
        assert!(tree.join("nixos/modules").is_dir(), "{TREE}={} has no nixos/modules", tree.display());
        return Some(tree.canonicalize().unwrap());
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    // Straight to the descriptor: what `eprintln` writes is shown for failing tests only.
    let mut standard_error = std::io::stderr();
    writeln!(standard_error, "SKIPPED: {test}: {TREE} is not set, see checks/evaluate").unwrap();
    None
}

/// An evaluator.
#[derive(Debug)]
pub struct Nix {
    directory: TempDir,
}

impl Nix {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// The value of an expression that can be had without nixpkgs; `file` are paths from the project's top on.
    pub fn value(&self, expression: &str) -> Value {
        self.run(&["--expr", expression]).unwrap_or_else(|message| panic!("{expression}: {message}"))
    }

    /// An attribute of `checks/evaluation`, or what Nix said.
    pub fn attribute(&self, nixpkgs: &Path, attribute: &str) -> Result<Value, String> {
        self.run(&["checks/evaluation", "--arg", "nixpkgs", nixpkgs.to_str().unwrap(), "-A", attribute])
    }

    fn run(&self, arguments: &[&str]) -> Result<Value, String> {
        let path = |name: &str| self.directory.path().join(name);
        let output = Command::new("nix-instantiate")
            // Some of what is evaluated is a file that is built first.
            .args(["--eval", "--strict", "--json", "--read-write-mode"])
            .args(arguments)
            .current_dir(project())
            .env("NIX_REMOTE", "")
            .env("NIX_STORE_DIR", path("store"))
            .env("NIX_STATE_DIR", path("var"))
            .env("NIX_LOG_DIR", path("log"))
            .env("NIX_CONF_DIR", path("etc"))
            .env("NIX_USER_CONF_FILES", "/dev/null")
            .env("NIX_CONFIG", "sandbox = false\nbuild-users-group =\nsubstituters =\nfilter-syscalls = false")
            .output()
            .expect("nix-instantiate is missing: install Nix (Debian: nix-bin)");
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

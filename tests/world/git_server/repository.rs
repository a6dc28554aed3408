//! Repositories, made by the `git` command.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A repository in a directory of its own, removed with it.
pub struct TestRepository {
    pub directory: TempDir,
    pub path: PathBuf,
}

/// `git` without the configuration of the machine.
pub fn git_command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(directory)
        .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-c", "gc.auto=0"])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
        .envs([("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_EMAIL", "c@example.org")]);
    command
}

/// Runs `git` and gives what it printed, trimmed.
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = git_command(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl TestRepository {
    /// With one commit on `main` that holds `flake.lock`.
    pub fn new() -> Self {
        let repository = Self::empty(&[]);
        repository.commit("flake.lock", "{\"version\":7}\n", "first");
        repository
    }

    /// Without a commit.
    pub fn empty(arguments: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("repository");
        std::fs::create_dir(&path).unwrap();
        git(&path, &[&["init", "--quiet"], arguments].concat());
        Self { directory, path }
    }

    /// A clone, with its `origin` being the path of this one.
    pub fn clone(&self, arguments: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("repository");
        let url = format!("file://{}", self.path.display());
        git(directory.path(), &[&["clone", "--quiet"], arguments, &[&url, path.to_str().unwrap()]].concat());
        Self { directory, path }
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.path, arguments)
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits a file and gives the commit's id.
    pub fn commit(&self, name: &str, content: &str, message: &str) -> String {
        self.write(name, content);
        self.git(&["add", "--", name]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.head()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Adds this many empty commits to `branch`, on top of `from`, a second apart from `first_second` on.
    pub fn import(&self, branch: &str, from: Option<&str>, count: usize, first_second: usize) {
        let mut command = git_command(&self.path);
        let mut child = command.args(["fast-import", "--quiet", "--force"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut stream = String::new();
        for number in 0..count {
            let second = first_second + number;
            write!(stream, "commit refs/heads/{branch}\ncommitter C <c@example.org> {second} +0000\ndata 1\nx\n")
                .unwrap();
            if let (0, Some(from)) = (number, from) {
                writeln!(stream, "from {from}").unwrap();
            }
            stream += "\n";
        }
        child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// The directory that servers serve; this repository is `repository/.git` in it.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }
}

//! Keys that sign commits, made by `ssh-keygen` and `gpg`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The options by which git signs a commit with a key.
pub type GitOptions = Vec<String>;

/// A pair of ssh keys in a directory.
pub struct SshKey {
    private: PathBuf,
    /// Its kind and the key, as in an allowed signers file.
    pub public: String,
}

impl SshKey {
    pub fn generate(directory: &Path, name: &str) -> Self {
        let private = directory.join(name);
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&private));
        let line = std::fs::read_to_string(private.with_extension("pub")).unwrap();
        let public = line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Self { private, public }
    }

    pub fn git_options(&self) -> GitOptions {
        options(&["gpg.format=ssh", &format!("user.signingKey={}", self.private.display())])
    }

    /// With a certificate by this authority, which says that the key is the principal's.
    pub fn git_options_certified(&self, authority: &Self, principal: &str) -> GitOptions {
        let public = self.private.with_extension("pub");
        let certify = ["-q", "-I", principal, "-n", principal, "-s"];
        run(Command::new("ssh-keygen").args(certify).arg(&authority.private).arg(public));
        options(&["gpg.format=ssh", &format!("user.signingKey={}-cert.pub", self.private.display())])
    }
}

/// A home of gpg with secret keys.
pub struct OpenPgpHome {
    directory: TempDir,
}

/// A day on which keys can be made that are expired since long.
const PAST: &str = "20240101T000000";

impl OpenPgpHome {
    pub fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A key that lasts; its fingerprint.
    pub fn generate(&self, owner: &str) -> String {
        self.generate_with(&[], owner, "never")
    }

    /// A key that lasted for a day, years ago.
    pub fn generate_expired(&self, owner: &str) -> String {
        self.generate_with(&["--faked-system-time", PAST], owner, "1d")
    }

    fn generate_with(&self, options: &[&str], owner: &str, lasts: &str) -> String {
        let generate = ["--passphrase", "", "--quick-generate-key", owner, "ed25519", "sign", lasts];
        self.gpg(&[options, &generate].concat());
        let keys = self.gpg(&["--with-colons", "--list-keys", owner]);
        let fingerprint = keys.lines().find(|line| line.starts_with("fpr:")).unwrap();
        fingerprint.split(':').nth(9).unwrap().to_owned()
    }

    /// Its owner says that the key is not to be used any more.
    pub fn revoke(&self, fingerprint: &str) {
        let certificate = self.path().join(format!("openpgp-revocs.d/{fingerprint}.rev"));
        // gpg puts a colon there, against doing this by mistake.
        let text = std::fs::read_to_string(&certificate).unwrap().replace(":-----BEGIN", "-----BEGIN");
        std::fs::write(&certificate, text).unwrap();
        self.gpg(&["--import", certificate.to_str().unwrap()]);
    }

    /// The public keys, as a file.
    pub fn export(&self, file: &Path, fingerprints: &[&str]) {
        let export = ["--output", file.to_str().unwrap(), "--export"];
        self.gpg(&[&export, fingerprints].concat());
    }

    pub fn export_armoured(&self, file: &Path, fingerprints: &[&str]) {
        let export = ["--armor", "--output", file.to_str().unwrap(), "--export"];
        self.gpg(&[&export, fingerprints].concat());
    }

    pub fn import(&self, file: &Path) {
        self.gpg(&["--import", file.to_str().unwrap()]);
    }

    pub fn git_options(&self, fingerprint: &str) -> GitOptions {
        self.git_options_with("gpg", &[], fingerprint)
    }

    /// Signs as if it were years ago.
    pub fn git_options_in_the_past(&self, fingerprint: &str) -> GitOptions {
        self.git_options_with("gpg-in-the-past", &["--faked-system-time", "20240101T010000"], fingerprint)
    }

    fn git_options_with(&self, name: &str, arguments: &[&str], fingerprint: &str) -> GitOptions {
        let program = self.path().join(name);
        let script = format!(
            "#!/bin/sh\nexec gpg --homedir {} --batch --quiet {} \"$@\"\n",
            self.path().display(),
            arguments.join(" ")
        );
        std::fs::write(&program, script).unwrap();
        run(Command::new("chmod").arg("755").arg(&program));
        options(&[
            "gpg.format=openpgp",
            &format!("gpg.program={}", program.display()),
            &format!("user.signingKey={fingerprint}!"),
        ])
    }

    /// Runs gpg in this home; what it printed.
    pub fn gpg(&self, arguments: &[&str]) -> String {
        let homedir = ["--homedir", self.path().to_str().unwrap(), "--batch", "--quiet", "--yes"];
        run(Command::new("gpg").args(homedir).args(["--pinentry-mode", "loopback"]).args(arguments))
    }
}

impl Drop for OpenPgpHome {
    fn drop(&mut self) {
        // The agent that gpg started for this home.
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.path()).args(["--kill", "gpg-agent"]).output();
    }
}

fn options(settings: &[&str]) -> GitOptions {
    settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]).collect()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! Signatures by OpenPGP keys, checked by `gpg`.
//!
//! Not `gpgv`: it does not look at the expiry and the revocation of a key, and reads no armoured file.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::SignatureError;
use super::openpgp_status::{Found, understand};
use super::program;
use crate::one_line::one_line;

const PROGRAM: &str = "gpg";

/// The keys of one file, in a home of gpg that has nothing else.
#[derive(Debug)]
pub(super) struct Keyring {
    home: PathBuf,
}

impl Keyring {
    /// Makes `home` and reads the keys into it.
    pub(super) fn new(home: PathBuf, file: &Path, option: &'static str) -> Result<Self, SignatureError> {
        let unusable = |detail: String| SignatureError::Keys { path: file.to_owned(), option, detail };
        let keys = File::open(file).map_err(|error| unusable(error.to_string()))?;
        DirBuilder::new()
            .mode(0o700)
            .create(&home)
            .map_err(|error| SignatureError::Program { program: PROGRAM, detail: error.to_string() })?;
        let keyring = Self { home };
        let imported = program::run(PROGRAM, keyring.command().arg("--import"), Stdio::from(keys))?;
        let count = imported.stdout.lines().filter(|line| line.contains(" IMPORT_OK ")).count();
        if !imported.succeeded || count == 0 {
            let said = imported.stderr.lines().find(|line| !line.trim().is_empty());
            let said = said.map_or_else(String::new, |line| format!(" ({})", one_line(line, 200)));
            return Err(unusable(format!("gpg finds no public key that it can use in it{said}")));
        }
        Ok(keyring)
    }

    /// What gpg says of the signature of the payload.
    pub(super) fn check(&self, payload: &Path, signature: &Path) -> Result<Found, SignatureError> {
        let mut command = self.command();
        command.arg("--verify").arg(signature).arg("-");
        let payload = File::open(payload)
            .map_err(|error| SignatureError::Program { program: PROGRAM, detail: error.to_string() })?;
        let finished = program::run(PROGRAM, &mut command, Stdio::from(payload))?;
        Ok(match understand(&finished.stdout) {
            Found::Good if !finished.succeeded => {
                let said = finished.stderr.lines().last().unwrap_or_default();
                return Err(SignatureError::Program { program: PROGRAM, detail: one_line(said, 200) });
            }
            found => found,
        })
    }

    /// Nothing is asked, fetched or started, and no configuration read.
    fn command(&self) -> Command {
        let mut command = program::command(PROGRAM, &self.home);
        command.arg("--homedir").arg(&self.home).args([
            "--no-options",
            "--batch",
            "--no-tty",
            "--quiet",
            "--no-autostart",
            "--disable-dirmngr",
            "--no-auto-key-retrieve",
            "--no-auto-check-trustdb",
            "--trust-model=always",
            "--status-fd=1",
        ]);
        command
    }
}

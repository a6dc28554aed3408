//! The judgement of one commit, with the trusted keys.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use git2::{Commit, ObjectType, Repository};
use jiff::Timestamp;
use tempfile::{NamedTempFile, TempDir};

use super::SignatureError;
use super::commit_object::{NoSignature, take_apart};
use super::format::Format;
use super::merge;
use super::openpgp::Keyring;
use super::openpgp_status::Found;
use super::problem::SignatureProblem;
use super::ssh::{AllowedSigners, Question};
use crate::config::SignaturesConfig;

const SSH_OPTION: &str = "repository.signatures.allowed_signers_file";
const OPENPGP_OPTION: &str = "repository.signatures.openpgp_keyring_file";
const FORGE_OPTION: &str = "repository.signatures.forge_keyring_file";

/// Whose keys may sign commits, ready for use.
#[derive(Debug)]
pub struct TrustedKeys {
    ssh: Option<AllowedSigners>,
    openpgp: Option<Keyring>,
    forge: Option<Keyring>,
    /// Removed with this value.
    directory: TempDir,
}

/// Who signed a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignedBy {
    /// One of those who are trusted.
    Trusted,
    /// The forge, a merge that adds nothing.
    Forge,
}

/// A commit as it is, or what is wrong with its signature.
type Verdict = Result<SignedBy, SignatureProblem>;

impl TrustedKeys {
    /// Reads the files that the configuration names. `gpg` and `ssh-keygen` are looked for in `$PATH`.
    pub fn read(config: &SignaturesConfig) -> Result<Self, SignatureError> {
        let directory =
            tempfile::Builder::new().prefix("nixfleet-signatures-").tempdir().map_err(|error| no_space(&error))?;
        let home = |name: &str| directory.path().join(name);
        let keyring = |name: &str, file: &Option<PathBuf>, option| {
            file.as_ref().map(|file| Keyring::new(home(name), file, option)).transpose()
        };
        let ssh = config.allowed_signers_file.as_ref().map(|file| AllowedSigners::new(file, SSH_OPTION)).transpose()?;
        let openpgp = keyring("trusted", &config.openpgp_keyring_file, OPENPGP_OPTION)?;
        let forge = keyring("forge", &config.forge_keyring_file, FORGE_OPTION)?;
        Ok(Self { ssh, openpgp, forge, directory })
    }

    /// Judges one commit that `view` has.
    pub(super) fn judge(&self, view: &Repository, commit: &Commit<'_>) -> Result<Verdict, SignatureError> {
        let unreadable = |error| SignatureError::history(view.path(), error);
        let objects = view.odb().map_err(unreadable)?;
        let object = objects.read(commit.id()).map_err(unreadable)?;
        if object.kind() != ObjectType::Commit {
            return Ok(Err(SignatureProblem::malformed("")));
        }
        let signed = match take_apart(object.data()) {
            Ok(signed) => signed,
            Err(NoSignature::Unsigned) => return Ok(Err(SignatureProblem::Unsigned)),
            Err(NoSignature::Malformed) => return Ok(Err(SignatureProblem::malformed(""))),
        };
        // Each question in files of its own: several threads may ask.
        let write = |content: &[u8]| {
            let mut file = NamedTempFile::new_in(self.directory.path())?;
            file.write_all(content).map(|()| file.into_temp_path())
        };
        let payload = write(&signed.payload).map_err(|error| no_space(&error))?;
        let signature = write(&signed.signature).map_err(|error| no_space(&error))?;
        match Format::of(&signed.signature) {
            Format::Ssh => self.judge_ssh(commit, &payload, &signature),
            Format::OpenPgp => self.judge_openpgp(view, commit, &payload, &signature),
            Format::X509 => Ok(Err(SignatureProblem::X509)),
            Format::Unknown => Ok(Err(SignatureProblem::malformed("neither of ssh nor of OpenPGP"))),
        }
    }

    fn judge_ssh(&self, commit: &Commit<'_>, payload: &Path, signature: &Path) -> Result<Verdict, SignatureError> {
        let Some(signers) = &self.ssh else {
            return Ok(Err(SignatureProblem::NoKeysOfThisKind { kind: "ssh", option: SSH_OPTION }));
        };
        let Ok(committed_at) = Timestamp::from_second(commit.time().seconds()) else {
            return Ok(Err(SignatureProblem::malformed("the commit has no time that can be")));
        };
        let committer = commit.committer();
        let committer = committer.email_bytes();
        let directory = self.directory.path();
        let question = Question { directory, payload, signature, committer, committed_at };
        Ok(signers.check(&question)?.map(|()| SignedBy::Trusted))
    }

    fn judge_openpgp(
        &self,
        view: &Repository,
        commit: &Commit<'_>,
        payload: &Path,
        signature: &Path,
    ) -> Result<Verdict, SignatureError> {
        let mut unknown = None;
        for (keyring, by) in [(&self.openpgp, SignedBy::Trusted), (&self.forge, SignedBy::Forge)] {
            let Some(keyring) = keyring else { continue };
            match keyring.check(payload, signature)? {
                Found::Good if by == SignedBy::Forge => return Self::judge_merge(view, commit),
                Found::Good => return Ok(Ok(by)),
                Found::Bad(problem) => return Ok(Err(problem)),
                Found::UnknownKey { key } => {
                    let key = format!("OpenPGP {key}");
                    unknown = Some(SignatureProblem::ForeignKey { key });
                }
            }
        }
        let nobody = SignatureProblem::NoKeysOfThisKind { kind: "OpenPGP", option: OPENPGP_OPTION };
        Ok(Err(unknown.unwrap_or(nobody)))
    }

    /// A merge by the forge, whose people did not look at what it did.
    fn judge_merge(view: &Repository, commit: &Commit<'_>) -> Result<Verdict, SignatureError> {
        if commit.parent_count() < 2 {
            return Ok(Err(SignatureProblem::ForgeKeyOnOrdinaryCommit));
        }
        let deviation = merge::deviation(view, commit).map_err(|error| SignatureError::history(view.path(), error))?;
        Ok(deviation.map_or(Ok(SignedBy::Forge), |why| Err(SignatureProblem::ForgeMergeNotClean(why))))
    }
}

fn no_space(error: &std::io::Error) -> SignatureError {
    SignatureError::Program {
        program: "a file in the directory for temporary files",
        detail: format!("{error}; check its space and permissions"),
    }
}

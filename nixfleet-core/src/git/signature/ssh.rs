//! Signatures by ssh keys, checked by `ssh-keygen`.
//!
//! Source: ssh-keygen(1), `-Y verify` and ALLOWED SIGNERS. Only its exit code decides; its words serve the sentence for people.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::Timestamp;

use super::SignatureError;
use super::problem::SignatureProblem;
use super::program::{self, Finished};
use crate::one_line::one_line;

const PROGRAM: &str = "ssh-keygen";

/// What signatures of commits are made for.
const NAMESPACE: &str = "git";

/// The keys that may sign, and for whom.
#[derive(Debug)]
pub(super) struct AllowedSigners {
    file: PathBuf,
}

/// One signature, in files.
pub(super) struct Question<'a> {
    pub(super) directory: &'a Path,
    pub(super) payload: &'a Path,
    pub(super) signature: &'a Path,
    /// The committer's address.
    pub(super) committer: &'a [u8],
    pub(super) committed_at: Timestamp,
}

impl AllowedSigners {
    pub(super) fn new(file: &Path, option: &'static str) -> Result<Self, SignatureError> {
        let unusable = |detail: String| SignatureError::Keys { path: file.to_owned(), option, detail };
        // ssh-keygen has one word for a file that it cannot read and a key that is not in it.
        let file = file.canonicalize().map_err(|error| unusable(error.to_string()))?;
        let content = std::fs::read(&file).map_err(|error| unusable(error.to_string()))?;
        let is_key = |line: &[u8]| !line.trim_ascii().is_empty() && !line.trim_ascii().starts_with(b"#");
        if !content.split(|byte| *byte == b'\n').any(is_key) {
            return Err(unusable("there is no key in it".to_owned()));
        }
        Ok(Self { file })
    }

    /// Whether the signature is that of a key that is allowed for the committer, at the time of the commit.
    pub(super) fn check(&self, question: &Question<'_>) -> Result<Result<(), SignatureProblem>, SignatureError> {
        let verified = ask(question, "verify", |command| {
            command.arg("-f").arg(&self.file).arg("-I").arg(OsStr::from_bytes(question.committer));
        })?;
        if verified.succeeded { Ok(Ok(())) } else { self.diagnose(question, &verified).map(Err) }
    }

    fn diagnose(&self, question: &Question<'_>, verified: &Finished) -> Result<SignatureProblem, SignatureError> {
        let line = |words: &str| verified.stderr.lines().find(|line| line.contains(words));
        if line("incorrect signature").is_some() {
            return Ok(SignatureProblem::Changed);
        }
        if let Some(line) = line("parse signature").or_else(|| line("namespace does not match")) {
            return Ok(SignatureProblem::malformed(line));
        }
        if let Some(line) = ["key has expired", "not yet valid", "not permitted"].into_iter().find_map(line) {
            return Ok(SignatureProblem::NotAllowed { detail: one_line(line, 300) });
        }
        let found = ask(question, "find-principals", |command| {
            command.arg("-f").arg(&self.file);
        })?;
        let principals: Vec<&str> = found.stdout.lines().collect();
        if found.succeeded && !principals.is_empty() {
            return Ok(SignatureProblem::OtherPrincipal {
                principals: one_line(&principals.join(", "), 200),
                committer: one_line(&String::from_utf8_lossy(question.committer), 100),
            });
        }
        let checked = ask(question, "check-novalidate", |_| {})?;
        let key = checked.stdout.split(" with ").nth(1).unwrap_or("of ssh");
        Ok(SignatureProblem::ForeignKey { key: one_line(key, 120) })
    }
}

fn ask(
    question: &Question<'_>,
    what: &str,
    add: impl FnOnce(&mut std::process::Command),
) -> Result<Finished, SignatureError> {
    let mut command = program::command(PROGRAM, question.directory);
    command.args(["-Y", what, "-n", NAMESPACE]);
    // The time at which the key has to be valid; in UTC, as that is the program's time zone here.
    command.arg(format!("-Overify-time={}", question.committed_at.strftime("%Y%m%d%H%M%S")));
    add(&mut command);
    command.arg("-s").arg(question.signature);
    let payload = File::open(question.payload)
        .map_err(|error| SignatureError::Program { program: PROGRAM, detail: error.to_string() })?;
    program::run(PROGRAM, &mut command, Stdio::from(payload))
}

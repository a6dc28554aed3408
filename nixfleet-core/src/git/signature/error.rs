//! Why the commits of the remote are not taken.

use std::path::{Path, PathBuf};

use git2::Commit;

use super::problem::SignatureProblem;
use crate::Revision;
use crate::git::RepositoryError;
use crate::one_line::one_line;

/// The remote's commits are not taken. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// A commit is not signed as it has to be.
    #[error("the commit {} of {author} (\"{subject}\") {problem}; nothing was pulled: have it signed by a trusted key and pushed anew", revision.short())]
    Commit {
        /// The commit.
        revision: Revision,
        /// Who wrote it, by the commit's own word.
        author: String,
        /// Its subject.
        subject: String,
        /// What is wrong.
        problem: Box<SignatureProblem>,
    },
    /// A pull was cut off while it brought a commit that may not be taken, or may not be taken any more.
    #[error(
        "a pull that was cut off had begun to bring {} to {}, and it may not be taken: {refusal}; put the files back with `git -C {} reset --hard`, forget it with `git -C {} update-ref -d refs/nixfleet/pulling`, and pull again",
        revision.short(), path.display(), path.display(), path.display()
    )]
    Unfinished {
        /// The commit.
        revision: Revision,
        /// The checkout.
        path: PathBuf,
        /// Why it may not be taken.
        refusal: Box<SignatureError>,
    },
    /// The tip is an ancestor of what is here.
    #[error(
        "the remote's tip {} is older than {}, which is here: push the local commits; if there are none, somebody put the branch back",
        tip.short(), head.short()
    )]
    Older {
        /// The remote's tip.
        tip: Revision,
        /// Local HEAD.
        head: Revision,
    },
    /// The tip does not contain what is here.
    #[error(
        "the remote's tip {} does not contain {}, which is here: the branch was rewritten, or there are local commits; find out who did so, and why, before you reset or rebase by hand",
        tip.short(), head.short()
    )]
    Rewritten {
        /// The remote's tip.
        tip: Revision,
        /// Local HEAD.
        head: Revision,
    },
    /// A file with trusted keys cannot be used.
    #[error("cannot use the trusted keys in {}: {detail}; correct {option}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// The key of the configuration that names it.
        option: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A program that checks signatures does not do its work.
    #[error("cannot check signatures with {program}: {detail}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The checkout cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The commit is not there to be looked at.
    #[error("the commit {} is not in the store of fetched objects: pull again", .0.short())]
    NotFetched(Revision),
    /// The history cannot be walked.
    #[error("cannot walk the history of {} ({detail}): a shallow clone has to be completed with `git fetch --unshallow`, a damaged one cloned anew", path.display())]
    History {
        /// The checkout.
        path: PathBuf,
        /// The reason, on one line.
        detail: String,
        /// What libgit2 said.
        source: git2::Error,
    },
}

impl SignatureError {
    pub(super) fn unfinished(path: &Path, revision: &Revision, refusal: Self) -> Self {
        Self::Unfinished { revision: revision.clone(), path: path.to_owned(), refusal: Box::new(refusal) }
    }

    pub(super) fn commit(commit: &Commit<'_>, problem: SignatureProblem) -> Self {
        let author = commit.author();
        let (name, email) = (author.name_bytes(), author.email_bytes());
        let author = format!("{} <{}>", String::from_utf8_lossy(name), String::from_utf8_lossy(email));
        let subject = commit.summary_bytes().unwrap_or_default();
        Self::Commit {
            revision: commit.id().into(),
            author: one_line(&author, 100),
            subject: one_line(&String::from_utf8_lossy(subject), 80),
            problem: Box::new(problem),
        }
    }

    pub(super) fn history(path: &Path, source: git2::Error) -> Self {
        Self::History { path: path.to_owned(), detail: one_line(source.message(), 200), source }
    }
}

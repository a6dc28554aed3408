//! What is wrong with the signature of one commit.

use crate::one_line::one_line;

/// What is wrong with the signature of one commit. Displayed, it goes on from "the commit … of …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureProblem {
    /// There is no signature.
    #[error("is not signed")]
    Unsigned,
    /// The commit or its signature cannot be read.
    #[error("has a signature that cannot be read{}", in_brackets(detail))]
    Malformed {
        /// More about it; empty where there is no more to be said.
        detail: String,
    },
    /// A signature by a certificate, which nixfleet does not check.
    #[error("is signed with an X.509 certificate, which is not supported")]
    X509,
    /// No key of this kind is trusted at all.
    #[error("is signed with {kind}, and no such keys are trusted here ({option})")]
    NoKeysOfThisKind {
        /// `ssh` or `OpenPGP`.
        kind: &'static str,
        /// The key of the configuration.
        option: &'static str,
    },
    /// The signature is that of another content.
    #[error("does not match its signature: it was changed after it was signed")]
    Changed,
    /// The key is not among those that are trusted.
    #[error("is signed with a key that is not trusted ({key})")]
    ForeignKey {
        /// Its fingerprint, or whatever names it.
        key: String,
    },
    /// The ssh key is trusted, for somebody else.
    #[error(
        "is signed with a key of {principals}, and its committer is {committer}: allow the key for this address, or commit with the other one"
    )]
    OtherPrincipal {
        /// For whom the key is allowed.
        principals: String,
        /// The committer's address.
        committer: String,
    },
    /// The ssh key is there, and not allowed for this commit.
    #[error("is signed with a key that is not allowed for it ({detail})")]
    NotAllowed {
        /// What `ssh-keygen` said.
        detail: String,
    },
    /// The key is trusted, and expired.
    #[error(
        "is signed with a key that has expired ({key}): extend the key and hand out its new version, or sign with another one"
    )]
    ExpiredKey {
        /// Its fingerprint or owner.
        key: String,
    },
    /// The key was revoked by its owner.
    #[error("is signed with a key that was revoked ({key})")]
    RevokedKey {
        /// Its fingerprint or owner.
        key: String,
    },
    /// The signature itself was made to last for a time, which is over.
    #[error("has a signature that has expired")]
    ExpiredSignature,
    /// The forge's key, on what is no merge.
    #[error(
        "is signed with the forge's key, which counts for merges only: merge with a merge commit (no squash, no rebase, no edit on the forge)"
    )]
    ForgeKeyOnOrdinaryCommit,
    /// A merge by the forge that has other content than its parents give.
    #[error("is a merge that is signed with the forge's key, and {0}: merge it by hand and sign it with a trusted key")]
    ForgeMergeNotClean(&'static str),
}

impl SignatureProblem {
    pub(super) fn malformed(detail: &str) -> Self {
        Self::Malformed { detail: one_line(detail, 200) }
    }
}

fn in_brackets(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

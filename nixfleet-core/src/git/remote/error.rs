//! Why the remote could not be observed, by what a person does about it.

use std::path::PathBuf;

/// The remote could not be observed. Each message is one sentence with the next step, and free of secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The address cannot be used at all.
    #[error("the address {url} cannot be used: {detail}")]
    Address {
        /// Without credentials.
        url: String,
        /// The reason and what to do.
        detail: String,
    },
    /// A file with a credential cannot be read.
    #[error("cannot read the credential {}: {detail}; check the path and its permissions", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// The reason.
        detail: String,
    },
    /// The remote does not let us in.
    #[error("{url} refuses access: {detail}")]
    Authentication {
        /// Without credentials.
        url: String,
        /// The reason and what to do.
        detail: String,
    },
    /// The key of the ssh host is not known, or another than the known one.
    #[error("the identity of the host of {url} is not confirmed: {detail}")]
    HostKey {
        /// Without credentials.
        url: String,
        /// The reason and what to do.
        detail: String,
    },
    /// The certificate of the host is not valid here.
    #[error(
        "the certificate of the host of {url} is not accepted ({detail}): check the host's certificate, the clock, and the trusted certificates (SSL_CERT_FILE)"
    )]
    Certificate {
        /// Without credentials.
        url: String,
        /// The reason.
        detail: String,
    },
    /// There is no repository at the address.
    #[error("there is no repository at {url} ({detail}): check the address, and that the credentials may read it")]
    NotFound {
        /// Without credentials.
        url: String,
        /// What the remote said.
        detail: String,
    },
    /// The remote has no commit at all.
    #[error("{url} has no branch yet: push a first commit")]
    Empty {
        /// Without credentials.
        url: String,
    },
    /// The branch is not, or no longer, on the remote.
    #[error("{url} has no branch {branch:?}: push it again, or configure the branch to follow (it has {others})")]
    NoBranch {
        /// Without credentials.
        url: String,
        /// The branch that is followed.
        branch: String,
        /// Some of the branches that the remote has, or how it has none.
        others: String,
    },
    /// No branch is configured and the remote's HEAD names none.
    #[error("the HEAD of {url} is not on a branch: configure the branch to follow (it has {others})")]
    NoDefaultBranch {
        /// Without credentials.
        url: String,
        /// Some of the branches that the remote has, or how it has none.
        others: String,
    },
    /// The remote cannot be reached, or the connection broke.
    #[error("cannot reach {url}: {detail}")]
    Network {
        /// Without credentials.
        url: String,
        /// The reason and what to do.
        detail: String,
    },
    /// The remote took too long.
    #[error("{url} {detail}: try again later, check the network, or allow more time")]
    Timeout {
        /// Without credentials.
        url: String,
        /// What took too long.
        detail: String,
    },
    /// The answer is not that of a Git server, or not one that we understand.
    #[error("{url} does not answer as a Git server should ({detail}): check the address with `git ls-remote {url}`")]
    Protocol {
        /// Without credentials.
        url: String,
        /// The reason.
        detail: String,
    },
    /// The commit holds something that cannot be taken.
    #[error("cannot take flake.lock of commit {revision} of {url}: {detail}")]
    Lock {
        /// Without credentials.
        url: String,
        /// The commit.
        revision: String,
        /// The reason and what to do.
        detail: String,
    },
    /// Another observation uses the store.
    #[error("the store {} is in use by another look at the remote that has not ended: try again later", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// The local store of fetched objects cannot be used.
    #[error("cannot use the store of fetched objects {}: {detail}", path.display())]
    Store {
        /// The store.
        path: PathBuf,
        /// The reason and what to do.
        detail: String,
    },
}

impl RemoteError {
    /// The same with another detail, where it has one that came from elsewhere.
    pub(super) fn with_detail(mut self, change: impl FnOnce(String) -> String) -> Self {
        match &mut self {
            Self::Address { detail, .. }
            | Self::Credentials { detail, .. }
            | Self::Authentication { detail, .. }
            | Self::HostKey { detail, .. }
            | Self::Certificate { detail, .. }
            | Self::NotFound { detail, .. }
            | Self::Network { detail, .. }
            | Self::Timeout { detail, .. }
            | Self::Protocol { detail, .. }
            | Self::Lock { detail, .. }
            | Self::Store { detail, .. } => *detail = change(std::mem::take(detail)),
            Self::Empty { .. } | Self::NoBranch { .. } | Self::NoDefaultBranch { .. } | Self::Busy { .. } => {}
        }
        self
    }
}

//! Why a system or its generations cannot be read.

use std::io;
use std::path::PathBuf;

use super::root::MAXIMUM_LINKS;

/// Why a system or its generations cannot be read. Paths are those on this host, quoted and with control characters escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// The operating system refused to read it.
    #[error("cannot read {path:?}: {source}; check that this user may read it and that its file system is well")]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// NixOS makes a link here, and there is something else.
    #[error("{path:?} is not a symbolic link as NixOS makes it; move it away and switch to a configuration again")]
    NotALink {
        /// Where the link is expected.
        path: PathBuf,
    },
    /// The link leads to nothing.
    #[error(
        "{path:?} points to {target:?}, which does not exist; check that the Nix store is mounted, or switch to a configuration again"
    )]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Where it ends, as seen from inside the root.
        target: PathBuf,
    },
    /// The link leads to something that is no toplevel.
    #[error("{path:?} points to {target:?}, which is not a directory; switch to a configuration again")]
    NotADirectory {
        /// The link.
        path: PathBuf,
        /// Where it ends, as seen from inside the root.
        target: PathBuf,
    },
    /// The links form a loop, or a chain that is too long.
    #[error("{path:?} leads through more than {MAXIMUM_LINKS} symbolic links; look for a loop with `namei`")]
    TooManyLinks {
        /// Where the chain starts.
        path: PathBuf,
    },
    /// A link's target cannot be a path in the Nix store: those are ASCII.
    #[error(
        "the symbolic link {path:?} has a target that is not UTF-8; no path in the Nix store is such, so remove the link"
    )]
    TargetNotUtf8 {
        /// The link.
        path: PathBuf,
    },
    /// No profile can have this name.
    #[error(
        "{name:?} cannot be the name of a system profile; give one of the names in /nix/var/nix/profiles/system-profiles"
    )]
    InvalidProfileName {
        /// The name, cut to 80 characters.
        name: String,
    },
}

//! Why a `flake.lock` cannot be understood.

use super::direct_inputs::MAX_DIRECT_INPUTS;
use super::parse::{MAX_BYTES, VERSIONS};
use super::resolve::MAX_FOLLOWS_DEPTH;

/// What helps against most damage.
const RESTORE: &str = "restore it from Git, or delete it and run `nix flake lock`";

/// The bytes are no `flake.lock` that this library understands.
///
/// Each message is one sentence for people. Names from the file are cut and free of control characters; values are never
/// in it, for they may be URLs with credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlakeLockError {
    /// More than [`MAX_BYTES`].
    #[error("flake.lock is too large ({size_bytes} bytes, at most {MAX_BYTES} are read): remove inputs from flake.nix")]
    TooLarge {
        /// The file's size.
        size_bytes: usize,
    },
    /// More than [`MAX_DIRECT_INPUTS`].
    #[error("flake.lock has {count} direct inputs, at most {MAX_DIRECT_INPUTS} are read: remove inputs from flake.nix")]
    TooManyInputs {
        /// How many there are.
        count: usize,
    },
    /// No bytes but white space.
    #[error("flake.lock is empty: {RESTORE}")]
    Empty,
    /// Not text.
    #[error("flake.lock is not UTF-8 text (from byte {offset_bytes} on): restore it from Git")]
    NotUtf8 {
        /// The first byte that is wrong, counted from 0.
        offset_bytes: usize,
    },
    /// Git left both sides of a merge in it.
    #[error(
        "flake.lock has an unresolved merge conflict in line {line}: take one side with `git checkout --ours flake.lock`, \
         then run `nix flake lock`"
    )]
    MergeConflict {
        /// The line of the first marker, counted from 1.
        line: usize,
    },
    /// The JSON text stops before its end.
    #[error("flake.lock is cut off in line {line}: {RESTORE}")]
    Truncated {
        /// The last line, counted from 1.
        line: usize,
    },
    /// Not JSON.
    #[error("flake.lock is not valid JSON ({0}): {RESTORE}")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but no object.
    #[error("flake.lock is not a JSON object: {RESTORE}")]
    NotAnObject,
    /// A value of another kind than the format has at that place.
    #[error("flake.lock has an unexpected value at line {line} column {column}, expected {expected}: {RESTORE}")]
    UnexpectedValue {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the format has there.
        expected: String,
    },
    /// One object has the same key twice, so that it is open which of the two holds.
    #[error("flake.lock has the key {key:?} twice in one object (line {line}): remove one of the two")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the second, counted from 1.
        line: usize,
    },
    /// A key without which a lock is none.
    #[error("flake.lock has no `{key}`: {RESTORE}")]
    MissingKey {
        /// `version`, `nodes` or `root`.
        key: &'static str,
    },
    /// A version of the format that this library does not know.
    #[error(
        "flake.lock has version {version}, understood are {} to {}: if it is older, delete it and run `nix flake lock`; if newer, update nixfleet",
        VERSIONS.start(),
        VERSIONS.end()
    )]
    UnsupportedVersion {
        /// As the file has it.
        version: String,
    },
    /// `root` names no node.
    #[error("flake.lock names {root:?} as its root, but has no such node: {RESTORE}")]
    MissingRoot {
        /// The name.
        root: String,
    },
    /// An input names a node that is not there.
    #[error("flake.lock has no node {target:?}, which the input {input:?} of {node:?} leads to: {RESTORE}")]
    DanglingInput {
        /// The node that has the input.
        node: String,
        /// The input's name.
        input: String,
        /// The node that is not there.
        target: String,
    },
    /// A path of input names leads nowhere.
    #[error(
        "flake.lock has no input {path:?}: {missing:?} is not there; correct `follows` in flake.nix, then run `nix flake lock`"
    )]
    DanglingFollows {
        /// The path from the root, joined with slashes.
        path: String,
        /// The first name in it that is not there.
        missing: String,
    },
    /// Inputs follow each other in a circle.
    #[error(
        "flake.lock has inputs that follow each other in a circle ({cycle}): correct `follows` in flake.nix, then run `nix flake lock`"
    )]
    FollowsCycle {
        /// The inputs on the circle.
        cycle: String,
    },
    /// More inputs in a row than [`MAX_FOLLOWS_DEPTH`] follow another.
    #[error(
        "flake.lock has more than {MAX_FOLLOWS_DEPTH} inputs in a row that follow another: correct `follows` in flake.nix"
    )]
    FollowsTooDeep,
}

//! What states and metrics need of a `flake.lock`.

use super::attributes::Attributes;
use super::error::FlakeLockError;
use super::graph::{FlakeLock, Node};
use super::parse::parse;
use super::printable::{NAME_CHARACTERS, printable};
use super::reference::reference;
use super::resolve::Resolver;
use crate::Sha256;
use crate::observation::{FlakeInput, LockFile};

/// A flake with more direct inputs is refused. Real ones have some dozen.
pub const MAX_DIRECT_INPUTS: usize = 10_000;

/// What stands for the locked attributes in the digest of an input that has none.
const NOTHING_LOCKED: &[u8] = b"nothing locked";

/// The direct inputs of the flake, in name order, each as the node that it leads to, through `follows` if need be.
///
/// - `kind` is the locked type, so `github` where `nixpkgs` was asked for by its registry name.
/// - `reference` is the original in URL-like form (`github:NixOS/nixpkgs/nixos-unstable`), without credentials.
/// - `locked_sha256` is [`Attributes::sha256`] of `locked`, and of a fixed text where nothing is locked.
/// - An input that follows the flake itself has kind `root` and reference `.`.
pub fn direct_inputs(lock: &FlakeLock) -> Result<Vec<FlakeInput>, FlakeLockError> {
    let names = lock.node(lock.root_key()).into_iter().flat_map(|root| root.inputs.keys());
    let count = names.clone().count();
    if count > MAX_DIRECT_INPUTS {
        return Err(FlakeLockError::TooManyInputs { count });
    }
    let mut resolver = Resolver::new(lock);
    names
        .filter_map(|name| match resolver.path(&[name]) {
            Ok(key) => lock.node(key).map(|node| Ok(direct_input(name, node, key == lock.root_key()))),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// The file in short. Never fails: what cannot be understood has its digest, no inputs, and a sentence that says why.
#[must_use]
pub fn summarize(bytes: &[u8]) -> LockFile {
    let sha256 = Sha256::of(bytes);
    match parse(bytes).and_then(|lock| direct_inputs(&lock)) {
        Ok(inputs) => LockFile { sha256, inputs, problem: None },
        Err(error) => LockFile { sha256, inputs: Vec::new(), problem: Some(error.to_string()) },
    }
}

fn direct_input(name: &str, node: &Node, is_root: bool) -> FlakeInput {
    let locked = node.locked.as_ref();
    let original = node.original.as_ref().or(locked);
    let short = |text: &str| printable(text, NAME_CHARACTERS);
    let kind = if is_root { "root" } else { locked.or(original).and_then(Attributes::kind).unwrap_or("unknown") };
    FlakeInput {
        name: short(name),
        kind: short(kind),
        reference: if is_root { ".".to_owned() } else { original.map(reference).unwrap_or_default() },
        revision: locked.and_then(Attributes::rev).map(short),
        last_modified_at: locked.and_then(Attributes::last_modified_at),
        locked_sha256: locked.map_or_else(|| Sha256::of(NOTHING_LOCKED), Attributes::sha256),
    }
}

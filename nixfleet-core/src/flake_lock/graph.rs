//! The graph that a `flake.lock` holds.

use std::collections::BTreeMap;

use super::attributes::Attributes;

/// A whole `flake.lock`. Its root and every node that an input names directly are there; [`super::parse`] sees to it.
#[derive(Debug, Clone, PartialEq)]
pub struct FlakeLock {
    pub(super) version: u64,
    pub(super) root: String,
    pub(super) nodes: BTreeMap<String, Node>,
}

/// One node of the graph: the flake itself (the root) or one pinned input.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The node's own inputs, by name.
    pub inputs: BTreeMap<String, InputTarget>,
    /// What it is pinned to, with version 5's `info` merged in; absent for the root.
    pub locked: Option<Attributes>,
    /// What `flake.nix` asks for; absent for the root.
    pub original: Option<Attributes>,
    /// Whether it is a flake. Sources that are not have `flake = false` in `flake.nix`.
    pub flake: bool,
    /// For a relative path input: the input, named from the root, that the path is relative to.
    /// An empty list is the root. Only newer Nix writes it.
    pub parent: Option<Vec<String>>,
}

/// Where an input leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputTarget {
    /// To the node of this key.
    Node(String),
    /// To the same node as the input with this path of names from the root. An empty path is the root itself.
    Follows(Vec<String>),
}

impl FlakeLock {
    /// The format's version: 5, 6 or 7.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The key of the root, as a rule `root`.
    #[must_use]
    pub fn root_key(&self) -> &str {
        &self.root
    }

    /// The node of this key.
    #[must_use]
    pub fn node(&self, key: &str) -> Option<&Node> {
        self.nodes.get(key)
    }

    /// Every node with its key, in key order.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(key, node)| (key.as_str(), node))
    }
}

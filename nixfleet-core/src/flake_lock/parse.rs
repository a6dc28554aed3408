//! From bytes to the graph.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::error::Category;

use super::attributes::{AttributeValue, Attributes};
use super::error::FlakeLockError;
use super::graph::{FlakeLock, InputTarget, Node};
use super::json::{Object, UniqueKeys};
use super::printable::{NAME_CHARACTERS, printable};

/// No larger file is read: 8 MiB, which takes about a third of a second and ten times as much memory. The largest real
/// ones have some hundred KiB.
pub const MAX_BYTES: usize = 8 << 20;

/// The versions of the format that are understood.
pub(super) const VERSIONS: RangeInclusive<u64> = 5..=7;

#[derive(Deserialize)]
struct RawVersion {
    version: Option<AttributeValue>,
}

#[derive(Deserialize)]
struct RawLock {
    root: Option<String>,
    nodes: Option<UniqueKeys<Object<RawNode>>>,
}

#[derive(Deserialize)]
struct RawNode {
    inputs: Option<UniqueKeys<InputTarget>>,
    locked: Option<UniqueKeys<AttributeValue>>,
    info: Option<UniqueKeys<AttributeValue>>,
    original: Option<UniqueKeys<AttributeValue>>,
    flake: Option<bool>,
    parent: Option<Vec<String>>,
}

/// Reads a `flake.lock` of version 5, 6 or 7.
///
/// Keys that this library does not know are skipped. A key that an object has twice is an error: Nix takes the last,
/// people see the first. Whether `follows` lead somewhere shows when they are resolved.
pub fn parse(bytes: &[u8]) -> Result<FlakeLock, FlakeLockError> {
    if bytes.len() > MAX_BYTES {
        return Err(FlakeLockError::TooLarge { size_bytes: bytes.len() });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| FlakeLockError::NotUtf8 { offset_bytes: error.valid_up_to() })?;
    // Nix's JSON parser skips a byte order mark too.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(FlakeLockError::Empty);
    }
    // The version first: another version may have anything in the other keys.
    let Object(RawVersion { version }) = read(text)?;
    let version = understood(version)?;
    let Object(RawLock { root, nodes }) = read(text)?;
    let nodes = nodes.ok_or(FlakeLockError::MissingKey { key: "nodes" })?.0;
    let nodes = nodes.into_iter().map(|(key, Object(node))| (key, Node::from(node))).collect();
    let root = root.ok_or(FlakeLockError::MissingKey { key: "root" })?;
    check(FlakeLock { version, root, nodes })
}

fn understood(version: Option<AttributeValue>) -> Result<u64, FlakeLockError> {
    let found = match version {
        None => return Err(FlakeLockError::MissingKey { key: "version" }),
        Some(AttributeValue::Number(number)) => match number.as_u64() {
            Some(version) if VERSIONS.contains(&version) => return Ok(version),
            _ => number.to_string(),
        },
        Some(AttributeValue::Text(text)) => format!("{:?}", printable(&text, NAME_CHARACTERS)),
        Some(AttributeValue::Boolean(value)) => value.to_string(),
    };
    Err(FlakeLockError::UnsupportedVersion { version: found })
}

fn check(lock: FlakeLock) -> Result<FlakeLock, FlakeLockError> {
    let name = |text: &str| printable(text, NAME_CHARACTERS);
    if !lock.nodes.contains_key(&lock.root) {
        return Err(FlakeLockError::MissingRoot { root: name(&lock.root) });
    }
    for (key, node) in &lock.nodes {
        for (input, target) in &node.inputs {
            if let InputTarget::Node(target) = target
                && !lock.nodes.contains_key(target)
            {
                return Err(FlakeLockError::DanglingInput {
                    node: name(key),
                    input: name(input),
                    target: name(target),
                });
            }
        }
    }
    Ok(lock)
}

fn read<'text, T: Deserialize<'text>>(text: &'text str) -> Result<T, FlakeLockError> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Data if !text.trim_start().starts_with('{') => FlakeLockError::NotAnObject,
        Category::Data => unexpected(&error),
        Category::Syntax | Category::Eof | Category::Io => {
            if let Some(line) = text.lines().position(|line| line.starts_with("<<<<<<<")) {
                FlakeLockError::MergeConflict { line: line + 1 }
            } else if error.is_eof() {
                FlakeLockError::Truncated { line: error.line() }
            } else {
                FlakeLockError::NotJson(error)
            }
        }
    })
}

/// What serde says without the value that it says it of: that may be a URL with credentials.
fn unexpected(error: &serde_json::Error) -> FlakeLockError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message);
    if let Some(key) = message.strip_prefix("duplicate field `") {
        let key = key.strip_suffix('`').unwrap_or(key).to_owned();
        return FlakeLockError::DuplicateKey { key, line };
    }
    // "invalid type: <the value>, expected <what a visitor expects>": the last part is always ours or serde's.
    let expected = message.rsplit_once(", expected ").map_or("the form that Nix writes", |(_, expected)| expected);
    FlakeLockError::UnexpectedValue { line, column, expected: expected.to_owned() }
}

impl From<RawNode> for Node {
    fn from(raw: RawNode) -> Self {
        let attributes = |raw: UniqueKeys<AttributeValue>| Attributes::new(raw.0);
        let mut locked = raw.locked.map(attributes);
        if let (Some(locked), Some(info)) = (&mut locked, raw.info.map(attributes)) {
            locked.extend(info);
        }
        Self {
            inputs: raw.inputs.map_or_else(BTreeMap::new, |inputs| inputs.0),
            locked,
            original: raw.original.map(attributes),
            flake: raw.flake.unwrap_or(true),
            parent: raw.parent,
        }
    }
}

impl<'de> Deserialize<'de> for InputTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Target;

        impl<'de> Visitor<'de> for Target {
            type Value = InputTarget;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the key of a node or a list of input names")
            }

            fn visit_str<E>(self, key: &str) -> Result<InputTarget, E> {
                Ok(InputTarget::Node(key.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<InputTarget, A::Error> {
                let mut path = Vec::new();
                while let Some(name) = names.next_element()? {
                    path.push(name);
                }
                Ok(InputTarget::Follows(path))
            }
        }

        deserializer.deserialize_any(Target)
    }
}

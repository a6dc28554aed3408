//! From a path of input names to the node it leads to.

use std::collections::HashMap;

use super::error::FlakeLockError;
use super::graph::{FlakeLock, InputTarget, Node};
use super::printable::{NAME_CHARACTERS, printable};

/// So many inputs in a row may follow another before it counts as an error. Real locks have two or three.
pub const MAX_FOLLOWS_DEPTH: usize = 128;

impl FlakeLock {
    /// The node, with its key, that this path of input names leads to from the root. An empty path is the root.
    pub fn resolve<'lock, Name: AsRef<str>>(
        &'lock self,
        path: &[Name],
    ) -> Result<(&'lock str, &'lock Node), FlakeLockError> {
        let key = Resolver::new(self).path(path)?;
        // parse() made sure that every key that the graph names is there.
        let node = self.nodes.get(key).ok_or_else(|| FlakeLockError::MissingRoot { root: name(key) })?;
        Ok((key, node))
    }
}

/// Follows inputs, each one once however often it is met: a file cannot make it work longer than its size.
#[derive(Debug)]
pub(super) struct Resolver<'lock> {
    lock: &'lock FlakeLock,
    known: HashMap<Input<'lock>, &'lock str>,
    underway: Vec<Input<'lock>>,
}

/// A node's key and the name of one of its inputs.
type Input<'lock> = (&'lock str, &'lock str);

impl<'lock> Resolver<'lock> {
    pub(super) fn new(lock: &'lock FlakeLock) -> Self {
        Self { lock, known: HashMap::new(), underway: Vec::new() }
    }

    /// The key of the node that the path leads to.
    pub(super) fn path<Name: AsRef<str>>(&mut self, path: &[Name]) -> Result<&'lock str, FlakeLockError> {
        let mut key = self.lock.root.as_str();
        for element in path {
            let target = self.lock.nodes.get(key).and_then(|node| node.inputs.get_key_value(element.as_ref()));
            let Some((input, target)) = target else {
                return Err(FlakeLockError::DanglingFollows { path: joined(path), missing: name(element.as_ref()) });
            };
            key = self.target((key, input), target)?;
        }
        Ok(key)
    }

    fn target(&mut self, input: Input<'lock>, target: &'lock InputTarget) -> Result<&'lock str, FlakeLockError> {
        let path = match target {
            InputTarget::Node(key) => return Ok(key),
            InputTarget::Follows(path) => path,
        };
        if let Some(key) = self.known.get(&input) {
            return Ok(key);
        }
        if let Some(start) = self.underway.iter().position(|other| *other == input) {
            let circle = self.underway.iter().skip(start).chain([&input]);
            let names: Vec<String> = circle.map(|(key, input)| format!("{}/{}", name(key), name(input))).collect();
            return Err(FlakeLockError::FollowsCycle { cycle: printable(&names.join(" → "), 4 * NAME_CHARACTERS) });
        }
        if self.underway.len() >= MAX_FOLLOWS_DEPTH {
            return Err(FlakeLockError::FollowsTooDeep);
        }
        self.underway.push(input);
        let key = self.path(path)?;
        self.underway.pop();
        self.known.insert(input, key);
        Ok(key)
    }
}

fn name(text: &str) -> String {
    printable(text, NAME_CHARACTERS)
}

fn joined<Name: AsRef<str>>(path: &[Name]) -> String {
    // A path may be as long as the file; no more of it than can be shown is put together.
    let names: Vec<&str> = path.iter().take(NAME_CHARACTERS).map(AsRef::as_ref).collect();
    printable(&names.join("/"), NAME_CHARACTERS)
}

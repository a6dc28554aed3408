//! The name of a Git commit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A full Git commit id in lower-case hexadecimal: 40 digits (SHA-1) or 64 (SHA-256).
///
/// What NixOS and flake.lock call a *revision*. Abbreviated ids and the `-dirty` suffix that Nix adds for a work tree
/// with uncommitted changes are not revisions: they do not name one commit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Revision(String);

/// The text is not a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a commit id: expected 40 or 64 lower-case hexadecimal digits")]
pub struct InvalidRevision(String);

impl Revision {
    /// The first seven digits, as `git log --oneline` shows them. For people, never for comparing.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }

    /// All digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Revision {
    type Error = InvalidRevision;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hexadecimal = text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if hexadecimal && matches!(text.len(), 40 | 64) {
            Ok(Self(text))
        } else {
            // A hostile value must not fill a log.
            Err(InvalidRevision(text.chars().take(80).collect()))
        }
    }
}

impl std::str::FromStr for Revision {
    type Err = InvalidRevision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}

impl From<git2::Oid> for Revision {
    fn from(id: git2::Oid) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Revision({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_full_ids_only() {
        assert!("a".repeat(40).parse::<Revision>().is_ok());
        assert!("0".repeat(64).parse::<Revision>().is_ok());
        for wrong in ["", "a1b2c3d", &"A".repeat(40), &"g".repeat(40), &format!("{}-dirty", "a".repeat(40))] {
            assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hostile_value_is_cut_in_the_message() {
        let message = "x".repeat(1_000_000).parse::<Revision>().unwrap_err().to_string();
        assert!(message.len() < 200, "{}", message.len());
    }
}

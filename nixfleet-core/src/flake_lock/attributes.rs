//! The attributes of a flake reference, as `locked` and `original` hold them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::Sha256;

/// The modification time that Nix gives every file in the store.
const STORE_TIME_SECONDS: i64 = 1;

/// A flake reference in its attribute form: everything that the file says, known or not.
///
/// Which attributes there are depends on the type; the Nix manual lists them under `nix flake`, "Types".
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, AttributeValue>);

/// The value of one attribute. Nix knows no others: it refuses a lock with `null`, lists or objects here.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// Most attributes.
    Text(String),
    /// `lastModified`, `revCount`.
    Number(serde_json::Number),
    /// `submodules`, `shallow` and other switches.
    Boolean(bool),
}

impl Attributes {
    /// Every attribute, in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The attribute of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    /// The attribute of this name, where it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(AttributeValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The attribute of this name, where it is a boolean.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(AttributeValue::Boolean(value)) => Some(*value),
            _ => None,
        }
    }

    /// `type`: the fetcher, such as `github`, `git`, `tarball`, `path`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.text("type")
    }

    /// `rev`: the commit.
    #[must_use]
    pub fn rev(&self) -> Option<&str> {
        self.text("rev")
    }

    /// `ref`: the branch or tag.
    #[must_use]
    pub fn git_ref(&self) -> Option<&str> {
        self.text("ref")
    }

    /// `owner` on the forge.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.text("owner")
    }

    /// `repo` on the forge.
    #[must_use]
    pub fn repo(&self) -> Option<&str> {
        self.text("repo")
    }

    /// `host` of the forge, where it is not the public one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.text("host")
    }

    /// `url` of a Git, Mercurial, tarball or file input, as it is: it may hold credentials.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.text("url")
    }

    /// `path` of a path input.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.text("path")
    }

    /// `dir`: the directory of `flake.nix` inside the source.
    #[must_use]
    pub fn dir(&self) -> Option<&str> {
        self.text("dir")
    }

    /// `narHash`: the hash of the content, in SRI form such as `sha256-…=`.
    #[must_use]
    pub fn nar_hash(&self) -> Option<&str> {
        self.text("narHash")
    }

    /// `lastModified`; absent where it is not a whole number of seconds that a [`Timestamp`] can hold, or tells no time:
    /// some Nix versions write 0 or 1 for paths in the store.
    #[must_use]
    pub fn last_modified_at(&self) -> Option<Timestamp> {
        match self.get("lastModified") {
            Some(AttributeValue::Number(seconds)) => seconds
                .as_i64()
                .filter(|seconds| *seconds > STORE_TIME_SECONDS)
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
            _ => None,
        }
    }

    /// Digest of all attributes: of their JSON with sorted names and without white space.
    ///
    /// It does not depend on how the file was laid out, only on what it says.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        // Names, text, numbers and booleans always have a JSON form.
        Sha256::of(&serde_json::to_vec(&self.0).unwrap_or_default())
    }

    pub(super) fn new(attributes: BTreeMap<String, AttributeValue>) -> Self {
        Self(attributes)
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => number.serialize(serializer),
            Self::Boolean(value) => serializer.serialize_bool(*value),
        }
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = AttributeValue;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text, a number or a boolean")
            }

            fn visit_bool<E>(self, value: bool) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Boolean(value))
            }

            fn visit_i64<E>(self, number: i64) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Number(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Number(number.into()))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<AttributeValue, E> {
                let number = serde_json::Number::from_f64(number);
                number.map(AttributeValue::Number).ok_or_else(|| E::custom("a number without end, expected a number"))
            }

            fn visit_str<E>(self, text: &str) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

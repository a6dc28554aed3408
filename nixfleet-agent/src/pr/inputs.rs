//! What an update does to the inputs: old, new, dates and the page between.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use nixfleet_core::observation::{FlakeInput, InputChange, InputChangeKind};
use serde::Serialize;

/// One direct input that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct InputUpdate {
    pub(super) name: String,
    /// Absent for a new input.
    pub(super) from: Option<Pin>,
    /// Absent for an input that goes.
    pub(super) to: Option<Pin>,
    /// Where the commits between the two are shown.
    pub(super) compare_url: Option<String>,
}

/// What an input is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Pin {
    pub(super) revision: Option<String>,
    pub(super) last_modified_at: Option<Timestamp>,
}

pub(super) fn updates(changes: &[InputChange], pages: &BTreeMap<String, String>) -> Vec<InputUpdate> {
    let pin = |input: &FlakeInput| Pin { revision: input.revision.clone(), last_modified_at: input.last_modified_at };
    let update = |change: &InputChange| {
        let (from, to) = match &change.kind {
            InputChangeKind::Added { to } => (None, Some(pin(to))),
            InputChangeKind::Removed { from } => (Some(pin(from)), None),
            InputChangeKind::Updated { from, to } => (Some(pin(from)), Some(pin(to))),
        };
        InputUpdate { name: change.name.clone(), from, to, compare_url: pages.get(&change.name).cloned() }
    };
    changes.iter().map(update).collect()
}

impl fmt::Display for InputUpdate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(formatter, "{name} {from} -> {to}")?,
            (None, Some(to)) => write!(formatter, "{name} added at {to}")?,
            (Some(_), None) => write!(formatter, "{name} removed")?,
            (None, None) => write!(formatter, "{name}")?,
        }
        self.compare_url.as_ref().map_or(Ok(()), |url| write!(formatter, "\n    {url}"))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.revision.as_deref().map_or("?", |revision| revision.get(..7).unwrap_or(revision));
        formatter.write_str(revision)?;
        match self.last_modified_at {
            Some(at) => write!(formatter, " ({})", at.strftime("%Y-%m-%d")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_line_with_its_page() {
        let pin = |digit: &str, day: &str| Pin {
            revision: Some(digit.repeat(40)),
            last_modified_at: Some(format!("{day}T00:00:00Z").parse().unwrap()),
        };
        let update = |from, to, url: Option<&str>| InputUpdate {
            name: "nixpkgs".to_owned(),
            from,
            to,
            compare_url: url.map(str::to_owned),
        };
        let (old, new) = (pin("a", "2026-01-01"), pin("b", "2026-01-08"));
        for (update, expected) in [
            (
                update(Some(old.clone()), Some(new.clone()), Some("https://x")),
                "nixpkgs aaaaaaa (2026-01-01) -> bbbbbbb (2026-01-08)\n    https://x",
            ),
            (update(None, Some(new), None), "nixpkgs added at bbbbbbb (2026-01-08)"),
            (update(Some(old), None, None), "nixpkgs removed"),
        ] {
            assert_eq!(update.to_string(), expected);
        }
    }
}

//! Changes of inputs, for people.

use std::fmt;

use crate::observation::{FlakeInput, InputChange, InputChangeKind};

/// One short line: `nixpkgs 2025-03-10 → 2025-03-17`, `added home-manager`, `removed disko`.
///
/// An update is told by its days (UTC), where these do not differ by its abbreviated commits, then by what is asked for.
impl fmt::Display for InputChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.kind {
            InputChangeKind::Added { .. } => write!(formatter, "added {name}"),
            InputChangeKind::Removed { .. } => write!(formatter, "removed {name}"),
            InputChangeKind::Updated { from, to } => {
                let said_by: [fn(&FlakeInput) -> Option<String>; 3] = [day, commit, asked_for];
                let difference = said_by.into_iter().find_map(|say| {
                    let (before, after) = (say(from)?, say(to)?);
                    (before != after).then_some((before, after))
                });
                match difference {
                    Some((before, after)) => write!(formatter, "{name} {before} → {after}"),
                    None => write!(formatter, "{name} has other content"),
                }
            }
        }
    }
}

fn day(input: &FlakeInput) -> Option<String> {
    input.last_modified_at.map(|time| time.strftime("%Y-%m-%d").to_string())
}

fn commit(input: &FlakeInput) -> Option<String> {
    input.revision.as_ref().map(|revision| revision.chars().take(7).collect())
}

fn asked_for(input: &FlakeInput) -> Option<String> {
    Some(input.reference.clone()).filter(|reference| !reference.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sha256;

    fn input(day: Option<&str>, revision: Option<&str>, reference: &str) -> FlakeInput {
        FlakeInput {
            name: "nixpkgs".to_owned(),
            kind: "github".to_owned(),
            reference: reference.to_owned(),
            revision: revision.map(str::to_owned),
            last_modified_at: day.map(|day| format!("{day}T12:00:00Z").parse().unwrap()),
            locked_sha256: Sha256::of(b""),
        }
    }

    #[test]
    fn one_line_for_each_kind() {
        let from = input(Some("2025-03-10"), Some("a1b2c3d4e5"), "github:NixOS/nixpkgs/nixos-24.11");
        for (to, expected) in [
            (input(Some("2025-03-17"), Some("d4e5f6a7"), ""), "nixpkgs 2025-03-10 → 2025-03-17"),
            (input(Some("2025-03-01"), None, ""), "nixpkgs 2025-03-10 → 2025-03-01"),
            (input(Some("2025-03-10"), Some("d4e5f6a7"), ""), "nixpkgs a1b2c3d → d4e5f6a"),
            (input(None, Some("d4e5f6a7"), ""), "nixpkgs a1b2c3d → d4e5f6a"),
            (input(None, None, "path:/x"), "nixpkgs github:NixOS/nixpkgs/nixos-24.11 → path:/x"),
            (input(None, None, ""), "nixpkgs has other content"),
        ] {
            let kind = InputChangeKind::Updated { from: from.clone(), to };
            assert_eq!(InputChange { name: "nixpkgs".to_owned(), kind }.to_string(), expected);
        }
        let added = InputChange { name: "disko".to_owned(), kind: InputChangeKind::Added { to: from.clone() } };
        assert_eq!(added.to_string(), "added disko");
        let removed = InputChange { name: "disko".to_owned(), kind: InputChangeKind::Removed { from } };
        assert_eq!(removed.to_string(), "removed disko");
    }
}

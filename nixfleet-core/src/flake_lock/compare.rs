//! Pages on which people compare what two locks pin.

use std::collections::BTreeMap;

use super::attributes::Attributes;
use super::graph::FlakeLock;
use super::resolve::Resolver;

/// For each direct input that both locks pin to commits of the same repository on GitHub, GitLab or a server of their kind:
/// the page that shows what lies between the two. By the input's name.
#[must_use]
pub fn compare_pages(from: &FlakeLock, to: &FlakeLock) -> BTreeMap<String, String> {
    let names = from.node(from.root_key()).into_iter().flat_map(|root| root.inputs.keys());
    names.filter_map(|name| Some((name.clone(), page(locked(from, name)?, locked(to, name)?)?))).collect()
}

fn locked<'a>(lock: &'a FlakeLock, name: &str) -> Option<&'a Attributes> {
    let key = Resolver::new(lock).path(&[name]).ok()?;
    lock.node(key)?.locked.as_ref()
}

fn page(from: &Attributes, to: &Attributes) -> Option<String> {
    // Where this came from is not to be trusted with an address: names only.
    let name = |attributes: &Attributes, key: &str| {
        let text = attributes.text(key)?;
        let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        (!text.is_empty() && text.chars().all(is_plain)).then(|| text.to_owned())
    };
    let same = |key: &str| name(from, key).filter(|text| Some(text) == name(to, key).as_ref());
    let (kind, owner, repository) = (same("type")?, same("owner")?, same("repo")?);
    let default = match kind.as_str() {
        "github" => "github.com",
        "gitlab" => "gitlab.com",
        _ => return None,
    };
    let host = if from.text("host").or(to.text("host")).is_none() { default.to_owned() } else { same("host")? };
    let (before, after) = (from.rev()?, to.rev()?);
    let is_commit = |revision: &str| revision.bytes().all(|digit| digit.is_ascii_hexdigit());
    if before == after || !is_commit(before) || !is_commit(after) {
        return None;
    }
    let separator = if kind == "gitlab" { "/-" } else { "" };
    Some(format!("https://{host}/{owner}/{repository}{separator}/compare/{before}...{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flake_lock::parse;

    fn lock(input: &str) -> FlakeLock {
        let text = format!(
            r#"{{ "nodes": {{ "root": {{ "inputs": {{ "a": "a" }} }}, "a": {{ "locked": {input}, "original": {{ "id": "a", "type": "indirect" }} }} }}, "root": "root", "version": 7 }}"#
        );
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_is_a_page_of_one_repository() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let github = |owner: &str, rev: &str, more: &str| {
            lock(&format!(r#"{{ "type": "github", "owner": "{owner}", "repo": "nixpkgs", "rev": "{rev}"{more} }}"#))
        };
        let of = |from: &FlakeLock, to: &FlakeLock| compare_pages(from, to).remove("a");
        let expected = format!("https://github.com/NixOS/nixpkgs/compare/{one}...{two}");
        assert_eq!(of(&github("NixOS", &one, ""), &github("NixOS", &two, "")), Some(expected));
        let host = r#", "host": "ghe.example.org""#;
        let expected = format!("https://ghe.example.org/NixOS/nixpkgs/compare/{one}...{two}");
        assert_eq!(of(&github("NixOS", &one, host), &github("NixOS", &two, host)), Some(expected));
        let gitlab = |rev: &str| lock(&format!(r#"{{ "type": "gitlab", "owner": "o", "repo": "r", "rev": "{rev}" }}"#));
        let expected = format!("https://gitlab.com/o/r/-/compare/{one}...{two}");
        assert_eq!(of(&gitlab(&one), &gitlab(&two)), Some(expected));
        for (from, to) in [
            (github("NixOS", &one, ""), github("NixOS", &one, "")),
            (github("NixOS", &one, ""), github("me", &two, "")),
            (github("NixOS", &one, ""), github("NixOS", &two, host)),
            (github("../..", &one, ""), github("../..", &two, "")),
            (github("NixOS", &one, ""), github("NixOS", "x?y", "")),
            (github("NixOS", &one, ""), gitlab(&two)),
        ] {
            assert_eq!(of(&from, &to), None);
        }
    }
}

//! The configuration revision in the script `nixos-version`.

use serde::Deserialize;

use crate::Revision;

/// What the script prints for `--json`; the other fields do not matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NixosVersionJson {
    configuration_revision: Option<String>,
}

/// The revision that the script would print, if it names a commit.
///
/// The JSON is one line of the script's text, written by `builtins.toJSON` into a here-document. Absent for a configuration
/// that sets no revision, or that of a work tree with uncommitted changes.
pub(super) fn revision_in_script(script: &str) -> Option<Revision> {
    script
        .lines()
        .filter(|line| line.starts_with('{'))
        .filter_map(|line| serde_json::from_str::<NixosVersionJson>(line).ok())
        .find_map(|json| json.configuration_revision)
        .and_then(|revision| Revision::try_from(revision).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn script(json: &str) -> String {
        format!("#! /nix/store/x-bash/bin/bash\ncase \"$1\" in\n  --json)\n    cat <<EOF\n{json}\nEOF\n    ;;\nesac\n")
    }

    #[test]
    fn only_a_commit_is_a_revision() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let table = [
            (format!(r#"{{"configurationRevision":"{commit}","nixosVersion":"25.05"}}"#), Some(commit)),
            (format!(r#"{{"nixosVersion": "20.03", "configurationRevision": "{commit}"}}"#), Some(commit)),
            (format!(r#"{{"configurationRevision":"{commit}-dirty"}}"#), None),
            (r#"{"configurationRevision":"@configurationRevision@"}"#.to_owned(), None),
            (r#"{"configurationRevision":"main"}"#.to_owned(), None),
            (r#"{"configurationRevision":null}"#.to_owned(), None),
            (r#"{"configurationRevision":7}"#.to_owned(), None),
            (format!(r#"{{"nixosVersion":"25.05","nixpkgsRevision":"{commit}"}}"#), None),
            (format!(r#"{{"configurationRevision":"{commit}""#), None),
            (String::new(), None),
        ];
        for (json, expected) in table {
            let revision = revision_in_script(&script(&json));
            assert_eq!(revision.as_ref().map(Revision::as_str), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r#"([\{\}":a-zA-Z0-9\n]|\PC)*"#) {
            let _ = revision_in_script(&text);
        }

        #[test]
        fn any_commit_is_found(commit in "[0-9a-f]{40}|[0-9a-f]{64}") {
            let json = format!(r#"{{"configurationRevision":"{commit}"}}"#);
            let revision = revision_in_script(&script(&json));
            prop_assert_eq!(revision.as_ref().map(Revision::as_str), Some(commit.as_str()));
        }
    }
}

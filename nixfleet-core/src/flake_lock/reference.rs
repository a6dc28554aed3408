//! Flake references in the form that people write.

use super::attributes::{AttributeValue, Attributes};
use super::credentials::without_credentials;
use super::printable::printable;

/// The longest reference, in characters; longer ones end in `…`.
const MAX_CHARACTERS: usize = 500;

/// What a reference may say as a query, in the order of the names. Locked attributes (hashes, dates) are not asked for.
const PARAMETERS: [&str; 9] = ["allRefs", "dir", "exportIgnore", "host", "lfs", "ref", "rev", "shallow", "submodules"];

/// Endings by which Nix takes a plain URL for an archive (`src/libfetchers/tarball.cc`).
const ARCHIVE_ENDINGS: [&str; 7] = [".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"];

/// The URL-like form of a flake reference, as the Nix manual defines it under `nix flake`, "Types".
///
/// For people: without credentials, without control characters and bounded in length.
pub(super) fn reference(attributes: &Attributes) -> String {
    printable(&url_like(attributes), MAX_CHARACTERS)
}

fn url_like(attributes: &Attributes) -> String {
    let text = |name| attributes.text(name).unwrap_or_default();
    match attributes.kind().unwrap_or("unknown") {
        "indirect" => {
            let parts = [Some(text("id")), attributes.git_ref(), attributes.rev()];
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            with_query(format!("flake:{}", parts.join("/")), attributes, &["dir"])
        }
        kind @ ("github" | "gitlab" | "sourcehut") => {
            let repository = format!("{kind}:{}/{}", text("owner"), text("repo"));
            match (attributes.git_ref(), attributes.rev()) {
                (Some(part), None) | (None, Some(part)) => {
                    with_query(format!("{repository}/{part}"), attributes, &["dir", "host"])
                }
                _ => with_query(repository, attributes, &["dir", "host", "ref", "rev"]),
            }
        }
        "path" => with_query(format!("path:{}", encoded(text("path"))), attributes, &["dir", "rev"]),
        "git" => with_query(prefixed("git", text("url")), attributes, &PARAMETERS),
        "hg" => with_query(prefixed("hg", text("url")), attributes, &["dir", "ref", "rev"]),
        kind @ ("tarball" | "file") => {
            let url = without_credentials(text("url"));
            let path = url.split_once('?').map_or(url.as_str(), |(path, _)| path);
            let archive = ARCHIVE_ENDINGS.iter().any(|ending| path.ends_with(ending));
            let url = if kind == "tarball" && archive { url } else { prefixed(kind, &url) };
            with_query(url, attributes, &["dir"])
        }
        other => {
            let known = ["url", "path", "id", "repo"].into_iter().find_map(|name| attributes.text(name));
            with_query(format!("{other}:{}", without_credentials(known.unwrap_or_default())), attributes, &PARAMETERS)
        }
    }
}

/// `git+https://…`, but `git://…` as it is.
fn prefixed(kind: &str, url: &str) -> String {
    let url = without_credentials(url);
    let has_kind = url.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['+', ':']) && url.contains("://"));
    // file:///srv/x is where the file is, not yet which fetcher takes it.
    if has_kind && !(kind == "file" && url.starts_with("file:")) { url } else { format!("{kind}+{url}") }
}

fn with_query(mut reference: String, attributes: &Attributes, names: &[&str]) -> String {
    for name in names {
        let value = match attributes.get(name) {
            Some(AttributeValue::Text(text)) if *name == "host" => encoded(&without_credentials(text)),
            Some(AttributeValue::Text(text)) => encoded(text),
            Some(AttributeValue::Boolean(true)) => "1".to_owned(),
            _ => continue,
        };
        reference.push(if reference.contains('?') { '&' } else { '?' });
        reference.extend([name, "=", &value]);
    }
    reference
}

/// Percent-encoded as far as a reference would otherwise be read differently. Letters of any script stay legible.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ' ' | '%' | '&' | '#' | '?' | '"' | '<' | '>') {
            encoded.extend(format!("%{:02X}", u32::from(character)).chars());
        } else {
            encoded.push(character);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::super::json::UniqueKeys;
    use super::*;

    #[test]
    fn every_type_in_its_form() {
        for (attributes, expected) in [
            (r#"{"type":"github","owner":"o","repo":"r"}"#, "github:o/r"),
            (r#"{"type":"github","owner":"o","repo":"r","ref":"a/b"}"#, "github:o/r/a/b"),
            (r#"{"type":"github","owner":"o","repo":"r","rev":"1"}"#, "github:o/r/1"),
            (r#"{"type":"github","owner":"o","repo":"r","ref":"b","rev":"1"}"#, "github:o/r?ref=b&rev=1"),
            (r#"{"type":"gitlab","owner":"o","repo":"r","host":"u:secret@h"}"#, "gitlab:o/r?host=h"),
            (r#"{"type":"indirect","id":"n","ref":"b","rev":"1"}"#, "flake:n/b/1"),
            (r#"{"type":"git","url":"git://h/a"}"#, "git://h/a"),
            (r#"{"type":"git","url":"git+https://h/a"}"#, "git+https://h/a"),
            (r#"{"type":"git","url":"git@h:a"}"#, "git+git@h:a"),
            (
                r#"{"type":"git","url":"https://h/a?x=1","ref":"a&b c","shallow":false}"#,
                "git+https://h/a?x=1&ref=a%26b%20c",
            ),
            (r#"{"type":"hg","url":"https://h/a","rev":"1"}"#, "hg+https://h/a?rev=1"),
            (r#"{"type":"path","path":"/srv/my flake?","dir":"d"}"#, "path:/srv/my%20flake%3F?dir=d"),
            (r#"{"type":"tarball","url":"https://u:secret@h/a.tar.gz?token=secret"}"#, "https://h/a.tar.gz"),
            (r#"{"type":"tarball","url":"https://h/a"}"#, "tarball+https://h/a"),
            (r#"{"type":"tarball","url":"tarball+https://h/a"}"#, "tarball+https://h/a"),
            (r#"{"type":"file","url":"file:///a"}"#, "file+file:///a"),
            (r#"{"type":"file","url":"https://h/a.tar.gz"}"#, "file+https://h/a.tar.gz"),
            (r#"{"type":"svn","url":"https://u:secret@h/a","password":"secret"}"#, "svn:https://h/a"),
            (r#"{"url":7}"#, "unknown:"),
            (r"{}", "unknown:"),
        ] {
            let UniqueKeys(map) = serde_json::from_str(attributes).unwrap();
            assert_eq!(reference(&Attributes::new(map)), expected, "{attributes}");
        }
    }
}

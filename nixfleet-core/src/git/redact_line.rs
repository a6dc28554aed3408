//! Lines of other programs without their secrets: what Git and Nix say has addresses and settings in it.

use std::borrow::Cow;

use super::redact::redact_url;

/// What takes the place of a secret.
const HIDDEN: &str = "***";

/// What flake references ask for, and no secret (`nix flake --help`, "Flake references").
const PLAIN_PARAMETERS: [&str; 14] = [
    "allRefs",
    "dir",
    "exportIgnore",
    "host",
    "lastModified",
    "lfs",
    "name",
    "narHash",
    "ref",
    "rev",
    "revCount",
    "shallow",
    "submodules",
    "unpack",
];

/// After one of these the rest of the line is secret: a setting of Nix (once it has a value), and fields of HTTP.
const NAMES: [(&str, char); 3] = [("access-tokens", '='), ("authorization", ':'), ("private-token", ':')];

/// How tokens of GitHub and GitLab begin.
const TOKEN_PREFIXES: [&str; 7] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"];

/// Shorter than any token, longer than a word that looks like one.
const TOKEN_CHARACTERS: usize = 16;

/// The line as it may be shown and stored: each address as [`redact_url`] shows it, unless it has nothing to hide, and no
/// tokens. A line that is ambiguous loses more rather than less.
#[must_use]
pub fn redact_line(line: &str) -> Cow<'_, str> {
    let line = without_settings(line);
    let line = if line.contains("://") { Cow::Owned(with_plain_addresses(&line)) } else { line };
    if TOKEN_PREFIXES.iter().any(|prefix| line.contains(prefix)) { Cow::Owned(without_tokens(&line)) } else { line }
}

fn without_settings(line: &str) -> Cow<'_, str> {
    // Its bytes lie where those of the line lie.
    let lowercase = line.to_ascii_lowercase();
    let cut = NAMES.iter().filter_map(|(name, sign)| {
        let after = lowercase.find(name)? + name.len();
        let value = after + lowercase.get(after..)?.find(*sign)? + sign.len_utf8();
        (!lowercase.get(value..)?.trim().is_empty()).then_some(value)
    });
    match cut.min().and_then(|value| line.get(..value)) {
        Some(kept) if line.get(kept.len()..).is_none_or(|rest| rest.trim() != HIDDEN) => {
            Cow::Owned(format!("{kept} {HIDDEN}"))
        }
        _ => Cow::Borrowed(line),
    }
}

fn with_plain_addresses(line: &str) -> String {
    const SIGN: &str = "://";
    let (mut shown, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(sign) = rest.find(SIGN) {
        let (before, after) = rest.split_at(sign);
        let start = before
            .rfind(|character: char| !is_of_scheme(character))
            .map_or(0, |at| at + before.get(at..).and_then(|text| text.chars().next()).map_or(1, char::len_utf8));
        let end = sign + SIGN.len() + address_length(after.get(SIGN.len()..).unwrap_or_default());
        let (text, address) = rest.get(..end).unwrap_or(rest).split_at(start);
        shown.push_str(text);
        if is_plain(address) {
            shown.push_str(address);
        } else {
            shown.push_str(&redact_url(address));
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    shown + rest
}

fn is_of_scheme(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+-.".contains(character)
}

/// How far an address goes. A quotation mark ends it, unless an at sign follows: then it may be one of a password's.
fn address_length(text: &str) -> usize {
    let ends = |character: char| character.is_whitespace() || character.is_control() || "\"<>`".contains(character);
    let word = text.get(..text.find(ends).unwrap_or(text.len())).unwrap_or(text);
    let secrets_end = word.rfind('@').unwrap_or(0);
    word.get(secrets_end..).and_then(|after| after.find('\'')).map_or(word.len(), |quote| secrets_end + quote)
}

/// Whether nothing in it can be secret.
fn is_plain(address: &str) -> bool {
    let without_fragment = address.split('#').next().unwrap_or_default();
    let mut parameters = without_fragment.split_once('?').map_or("", |(_, query)| query).split('&');
    let is_plain = |parameter: &str| {
        parameter.is_empty() || PLAIN_PARAMETERS.contains(&parameter.split('=').next().unwrap_or_default())
    };
    !address.contains('@') && parameters.all(is_plain)
}

fn without_tokens(line: &str) -> String {
    let is_of_token = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let (mut shown, mut rest) = (String::with_capacity(line.len()), line);
    while let Some(at) = TOKEN_PREFIXES.iter().filter_map(|prefix| rest.find(prefix)).min() {
        let (before, word) = rest.split_at(at);
        let (word, after) = word.split_at(word.find(|character| !is_of_token(character)).unwrap_or(word.len()));
        shown.push_str(before);
        shown.push_str(if word.len() >= TOKEN_CHARACTERS { HIDDEN } else { word });
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_go_and_all_else_stays() {
        let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
        for (line, shown) in [
            ("error: attribute 'web1' missing", "error: attribute 'web1' missing"),
            (
                "error: unable to download 'https://user:token@host.example/x.tar.gz': HTTP error 404",
                "error: unable to download 'https://host.example/x.tar.gz': HTTP error 404",
            ),
            (
                "fetching git input 'git+https://oauth2:to'ken@host/fleet.git?ref=main&rev=a1'",
                "fetching git input 'git+https://host/fleet.git'",
            ),
            (
                "building git+file:///var/lib/nixfleet/repo?rev=a1b2c3d#web1",
                "building git+file:///var/lib/nixfleet/repo?rev=a1b2c3d#web1",
            ),
            ("see https://host/a?narHash=sha256-x&rev=1 now", "see https://host/a?narHash=sha256-x&rev=1 now"),
            ("see https://host/a?private_token=x now", "see https://host/a now"),
            (
                "'https://u:p@a/x' and 'ssh://git:pw@b/y', (http://c/z)",
                "'https://a/x' and 'ssh://git@b/y', (http://c/z)",
            ),
            ("https://a/x https://u:p@b/y", "https://a/x https://b/y"),
            ("access-tokens = github.com=abc gitlab.com=PAT:def", "access-tokens = ***"),
            ("in nix.conf: extra-access-tokens=github.com=abc", "in nix.conf: extra-access-tokens= ***"),
            ("warning: unknown setting 'access-tokens'", "warning: unknown setting 'access-tokens'"),
            ("> Authorization: Bearer abc", "> Authorization: ***"),
            ("curl -H 'PRIVATE-TOKEN: abc' host", "curl -H 'PRIVATE-TOKEN: ***"),
            ("ghp_short and glpat-x", "ghp_short and glpat-x"),
            ("äö://x", "äö://x"),
            ("", ""),
        ] {
            assert_eq!(redact_line(line), shown, "{line}");
        }
        assert_eq!(redact_line(&format!("token {token}, and ({token})")), "token ***, and (***)");
        assert!(matches!(redact_line("nothing to hide"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_password_in_an_address_appears(
            before in "[ -~]{0,20}[ '\"(]",
            scheme in "(git\\+)?https?|ssh",
            password in "[!#-;=?-_a-~]{0,12}SECRET[!#-;=?-_a-~]{0,12}",
            after in "(['\", ][ -~]{0,20})?",
        ) {
            let line = format!("{before}{scheme}://user:{password}@host.example/x.git{after}");
            prop_assert!(!redact_line(&line).contains("SECRET"), "{} -> {}", line, redact_line(&line));
        }

        #[test]
        fn any_text_is_accepted(text in any::<String>()) {
            let _ = redact_line(&text);
        }
    }
}

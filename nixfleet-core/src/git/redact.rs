//! Addresses without their secrets.

use crate::one_line::one_line;

/// The address as it may be shown and stored: without password, query and fragment.
///
/// The user name stays only where it is no secret (`ssh://git@host/…`, `git@host:…`); with other schemes it may be a
/// token and is removed too. An address that is ambiguous or malformed loses more rather than less.
#[must_use]
pub fn redact_url(url: &str) -> String {
    let url = url.trim();
    let redacted = match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => redact_after_scheme(scheme, rest),
        _ => redact_scp_like(url),
    };
    one_line(&redacted, 1000)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.'))
}

fn redact_after_scheme(scheme: &str, rest: &str) -> String {
    let scheme = scheme.to_ascii_lowercase();
    let authority_end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let authority = &rest[..authority_end];
    // A colon in the authority and an at sign only later: perhaps a password that holds a slash.
    let secrets_end = match authority.rfind('@') {
        Some(at) if !rest[authority_end..].contains('@') => Some(at),
        None if !authority.contains(':') => None,
        _ => rest.rfind('@'),
    };
    let (user, host_and_path) = match secrets_end {
        Some(at) => (rest[..at].split([':', '/', '?', '#', '\\']).next(), &rest[at + 1..]),
        None => (None, rest),
    };
    let host_and_path = host_and_path.split(['?', '#']).next().unwrap_or_default();
    match user {
        Some(user) if scheme.ends_with("ssh") && !user.is_empty() => format!("{scheme}://{user}@{host_and_path}"),
        _ => format!("{scheme}://{host_and_path}"),
    }
}

/// `user@host:path` stays; what stands between a first colon and a later at sign may be a password.
fn redact_scp_like(url: &str) -> String {
    if url.starts_with(['/', '.']) {
        return url.to_owned();
    }
    match (url.find(':'), url.rfind('@')) {
        (Some(colon), Some(at)) if colon < at => format!("{}@{}", &url[..colon], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

/// A message in which none of these secrets appears.
pub(crate) fn scrub(message: &str, secrets: &[String]) -> String {
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(message.to_owned(), |message, secret| message.replace(secret.as_str(), "***"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_is_no_secret() {
        for (url, shown) in [
            ("https://host/a.git", "https://host/a.git"),
            ("https://host:8443/a.git", "https://host:8443/a.git"),
            ("https://user:pass@host/a.git", "https://host/a.git"),
            ("https://ghp_token@host/a.git", "https://host/a.git"),
            ("https://host/a.git?token=x#y", "https://host/a.git"),
            ("https://host/a@b", "https://host/a@b"),
            ("HTTPS://user:p/w@host/a", "https://host/a"),
            ("https://user:12/w@host/a", "https://host/a"),
            ("https://user:p@w/x@host/a", "https://host/a"),
            ("ssh://git@host:22/a", "ssh://git@host:22/a"),
            ("ssh://git:pw@host/a", "ssh://git@host/a"),
            ("git@host:a/b.git", "git@host:a/b.git"),
            ("user:pass@host:a", "user@host:a"),
            ("/srv/a:b@c", "/srv/a:b@c"),
            ("file:///srv/a.git", "file:///srv/a.git"),
            ("https://host/a\n\u{1b}[31m", "https://host/a  [31m"),
            ("", ""),
        ] {
            assert_eq!(redact_url(url), shown, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_password_appears(scheme in "(https?|ssh|git|git\\+https|HTTPS|ftp)", password in "[!-~]{0,12}SECRET[!-~]{0,12}") {
            let url = format!("{scheme}://user:{password}@host.example/owner/repository.git");
            prop_assert!(!redact_url(&url).contains("SECRET"), "{}", redact_url(&url));
        }

        #[test]
        fn no_token_in_the_query_appears(token in "[!-~]{0,12}SECRET[!-~]{0,12}") {
            let url = format!("https://host.example/repository.git?private_token={token}");
            prop_assert!(!redact_url(&url).contains("SECRET"), "{}", redact_url(&url));
        }

        #[test]
        fn any_text_is_accepted(text in any::<String>()) {
            let once = redact_url(&text);
            prop_assert_eq!(&redact_url(&once), &once);
        }
    }
}

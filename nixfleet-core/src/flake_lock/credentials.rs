//! URLs without what may be a secret in them.

/// Parts of the names of query parameters that carry secrets: access tokens, signatures of object stores, and so on.
const SECRET_NAMES: [&str; 11] =
    ["token", "secret", "pass", "pwd", "auth", "key", "sig", "credential", "session", "jwt", "private"];

/// Names that look like a secret's and are none: Nix's own, for verifying commits.
const PUBLIC_NAMES: [&str; 3] = ["publickey", "publickeys", "keytype"];

/// The URL without user name and password, without query parameters that may be secrets, and without a fragment.
///
/// The user name stays where the protocol is SSH: there it is part of the address and authenticates nobody.
pub(super) fn without_credentials(url: &str) -> String {
    // The user first: its password may hold the ? or # that would end the address.
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (mut kept, rest) = match url.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), without_user(rest, is_ssh(scheme))),
        // As Git writes SSH addresses: user@host:path.
        _ => (String::new(), without_user(url, true)),
    };
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    kept.push_str(address);
    let parameters = query.split(['&', ';']).filter(|parameter| !parameter.is_empty() && !is_secret(parameter));
    for (index, parameter) in parameters.enumerate() {
        kept.push(if index == 0 { '?' } else { '&' });
        kept.push_str(parameter);
    }
    kept
}

fn is_ssh(scheme: &str) -> bool {
    scheme.rsplit('+').any(|part| part.eq_ignore_ascii_case("ssh"))
}

/// An address after its scheme, `user:password@host:port/path?query`, without what stands before the host.
fn without_user(address: &str, ssh: bool) -> &str {
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |text: &str| text.ends_with(']') || text.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = authority.rsplit_once(':').is_none_or(|(_, port)| is_port(port));
    // No @ and no port after the colon: the password holds a / ? or # that is not percent-encoded. So all up to the
    // last @ may be part of it. Git's user@host:path has its @ before the colon.
    let searched = if authority.contains('@') || has_port { authority } else { address };
    match searched.rsplit_once('@') {
        Some((user, _)) if ssh && !user.contains([':', '/', '?', '#']) => address,
        Some((user, _)) => address.get(user.len() + 1..).unwrap_or_default(),
        None => address,
    }
}

fn is_secret(parameter: &str) -> bool {
    let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
    let name = decoded(name).to_ascii_lowercase();
    !PUBLIC_NAMES.contains(&name.as_str()) && SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Percent-decoded, so that a name cannot hide behind its encoding.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digit = |index: usize| after.get(index).and_then(|digit| char::from(*digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            bytes.extend(u8::try_from(high * 16 + low));
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_secrets_out_and_leaves_the_rest() {
        for (url, expected) in [
            ("https://example.org/a.git", "https://example.org/a.git"),
            ("https://user@example.org/a.git", "https://example.org/a.git"),
            ("https://user:pw@example.org:8443/a@b.git", "https://example.org:8443/a@b.git"),
            ("https://user:p@w@example.org/a", "https://example.org/a"),
            ("https://user:p/w@example.org/a", "https://example.org/a"),
            ("https://user:p/w@v@example.org/a", "https://example.org/a"),
            ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
            ("https://[::1]/a@b", "https://[::1]/a@b"),
            ("https://example.org/@scope/a", "https://example.org/@scope/a"),
            ("ssh://git@example.org/a.git", "ssh://git@example.org/a.git"),
            ("git+ssh://git@example.org/a.git", "git+ssh://git@example.org/a.git"),
            ("ssh://git:pw@example.org/a.git", "ssh://example.org/a.git"),
            ("git@example.org:a/b.git", "git@example.org:a/b.git"),
            ("user:pw@example.org:a/b.git", "example.org:a/b.git"),
            ("https://e.org/a?ref=main&access_token=t", "https://e.org/a?ref=main"),
            ("https://e.org/a?access%5Ftok%65n=t&&dir=x", "https://e.org/a?dir=x"),
            ("https://e.org/a?X-Amz-Signature=1&X-Amz-Credential=2", "https://e.org/a"),
            ("https://e.org/a?PRIVATE_TOKEN=1&publicKey=k", "https://e.org/a?publicKey=k"),
            ("https://e.org/a?ref=main#token=1", "https://e.org/a?ref=main"),
            ("file:///srv/a@b", "file:///srv/a@b"),
            ("", ""),
            ("%", "%"),
            ("?", ""),
            ("@", "@"),
            ("https://user:p?w@example.org/a", "https://example.org/a"),
            ("https://user:p#w@example.org/a?dir=x", "https://example.org/a?dir=x"),
            ("https://e.org/a?dir=x;token=1", "https://e.org/a?dir=x"),
            ("user:pw@example.org:a?b=://c", "example.org:a?b=://c"),
            ("/srv/a@b", "/srv/a@b"),
        ] {
            assert_eq!(without_credentials(url), expected, "{url:?}");
        }
    }
}

//! What the head of an answer says: is what follows that of a Git server?

use ureq::http::{HeaderMap, StatusCode, header};

use super::super::RemoteError;
use crate::one_line::one_line;

/// Whether the server takes a user name and password. One challenge may name several ways, and there may be several challenges.
pub(super) fn takes_a_password(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges.flat_map(|challenge| challenge.split(',')).any(|way| {
        let word = way.split_whitespace().next().unwrap_or_default();
        word.eq_ignore_ascii_case("basic")
    })
}

/// That the body is what Git's protocol has at this place.
pub(super) fn check(
    status: StatusCode,
    headers: &HeaderMap,
    expected_type: &str,
    url: &str,
) -> Result<(), RemoteError> {
    if status != StatusCode::OK {
        return Err(refusal(status.as_u16(), url));
    }
    let foreign = |detail: String| Err(RemoteError::Protocol { url: url.to_owned(), detail });
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return foreign("it does not say what it sends (no content type)".to_owned());
    };
    let content_type = String::from_utf8_lossy(content_type.as_bytes());
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/html") {
        return foreign("it sends a web page (text/html)".to_owned());
    }
    if !essence.eq_ignore_ascii_case(expected_type) {
        return foreign(format!("it sends {:?} instead of {expected_type}", one_line(essence, 80)));
    }
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let encoding = one_line(&String::from_utf8_lossy(encoding.as_bytes()), 40);
            foreign(format!("it sends an answer in an encoding that was not asked for, {encoding:?}"))
        }
        _ => Ok(()),
    }
}

fn refusal(status: u16, url: &str) -> RemoteError {
    let url = url.to_owned();
    match status {
        401 | 403 | 407 => RemoteError::Authentication {
            url,
            detail: format!("status {status}; check that the token is valid and may read the repository"),
        },
        404 | 410 => RemoteError::NotFound { url, detail: format!("status {status}") },
        _ => RemoteError::Network { url, detail: format!("the server answers with status {status}; try again later") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| (name.parse().unwrap(), value.parse().unwrap());
        lines.iter().map(line).collect::<Vec<_>>().into_iter().fold(HeaderMap::new(), |mut all, (name, value)| {
            let name: header::HeaderName = name;
            all.append(name, value);
            all
        })
    }

    #[test]
    fn takes_only_what_a_git_server_sends() {
        let said = |status, lines: &[(&'static str, &'static str)]| {
            let status = StatusCode::from_u16(status).unwrap();
            check(status, &headers(lines), ADVERTISEMENT, "u")
                .err()
                .map_or_else(|| "taken".to_owned(), |e| e.to_string())
        };
        for (status, lines, expected) in [
            (200, &[("content-type", ADVERTISEMENT)][..], "taken"),
            (200, &[("Content-Type", "Application/X-Git-Upload-Pack-Advertisement; charset=utf-8")], "taken"),
            (200, &[("content-type", ADVERTISEMENT), ("content-encoding", "identity")], "taken"),
            (200, &[("content-type", ADVERTISEMENT), ("content-encoding", "gzip")], "\"gzip\""),
            (200, &[("content-type", "text/html; charset=utf-8")], "web page"),
            (200, &[("content-type", "text/plain")], "\"text/plain\" instead of"),
            (200, &[("content-type", "application/x-git-upload-pack-result")], "instead of"),
            (200, &[], "no content type"),
            (204, &[("content-type", ADVERTISEMENT)], "status 204"),
            (404, &[], "there is no repository at u (status 404)"),
            (403, &[], "u refuses access: status 403; check that the token is valid"),
            (503, &[], "status 503; try again later"),
        ] {
            assert!(said(status, lines).contains(expected), "{status} {lines:?}: {}", said(status, lines));
        }
    }

    #[test]
    fn finds_the_way_of_a_password() {
        for (challenges, takes) in [
            (&["Basic realm=\"GitHub\""][..], true),
            (&["basic"], true),
            (&["Negotiate", "Basic realm=\"x\""], true),
            (&["Digest realm=\"x\", nonce=\"y\", Basic realm=\"x\""], true),
            (&["Bearer realm=\"Basic\""], false),
            (&["Basically"], false),
            (&[""], false),
            (&[], false),
        ] {
            let lines: Vec<_> = challenges.iter().map(|value| ("www-authenticate", *value)).collect();
            assert_eq!(takes_a_password(&headers(&lines)), takes, "{challenges:?}");
        }
    }
}

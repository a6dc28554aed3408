//! Which redirections are followed: on the same host, and never from https to http.

use url::Url;

use super::service_url::repository_of;
use crate::git::redact_url;

/// More are a circle.
pub(super) const REDIRECTS_MAXIMUM: usize = 5;

/// The repository at which to ask again, after a server answered to the question for references at `asked` with this
/// `Location`; or why not, as a sentence about the server without a secret.
pub(super) fn followed(asked: &Url, location: Option<&str>) -> Result<Url, String> {
    let Some(location) = location.filter(|location| !location.is_empty()) else {
        return Err("the server redirects without saying where to: check the address".to_owned());
    };
    let elsewhere = |reason: &str| {
        let shown = asked.join(location).map_or_else(|_| redact_url(location), |url| redact_url(url.as_str()));
        format!("the server redirects to {shown}, {reason}")
    };
    let not_followed = "which is not followed: configure the new address";
    let Ok(mut to) = asked.join(location) else { return Err(elsewhere(not_followed)) };
    let same_or_safer = to.scheme() == asked.scheme() || (asked.scheme() == "http" && to.scheme() == "https");
    if to.host() != asked.host() || !same_or_safer {
        return Err(elsewhere(not_followed));
    }
    if to.set_username("").and_then(|()| to.set_password(None)).is_err() {
        return Err(elsewhere(not_followed));
    }
    to.set_fragment(None);
    repository_of(&to).ok_or_else(|| {
        elsewhere("which is no address of a repository: check the address, and that the credentials may read it")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "http://host/a/info/refs?service=git-upload-pack";
    const SERVICE: &str = "info/refs?service=git-upload-pack";

    #[test]
    fn followed_on_the_same_host() {
        for (location, repository) in [
            (format!("http://host/b.git/{SERVICE}"), "http://host/b.git"),
            (format!("https://HOST/b/{SERVICE}"), "https://host/b"),
            (format!("http://host:8080/b/{SERVICE}"), "http://host:8080/b"),
            (format!("/c/{SERVICE}"), "http://host/c"),
            (format!("http://me:secret@host/b/{SERVICE}#x"), "http://host/b"),
        ] {
            let asked = Url::parse(ASKED).unwrap();
            assert_eq!(followed(&asked, Some(&location)).unwrap().as_str(), repository, "{location}");
        }
    }

    #[test]
    fn not_followed_elsewhere() {
        let https = ASKED.replace("http:", "https:");
        for (asked, location, says) in [
            (
                ASKED,
                Some(format!("http://evil/a/{SERVICE}")),
                "redirects to http://evil/a/info/refs, which is not followed",
            ),
            (ASKED, Some(format!("//evil/a/{SERVICE}")), "http://evil/a"),
            (ASKED, Some(format!("http://me:s3cret@evil/{SERVICE}&t=s3cret")), "http://evil/info/refs,"),
            (&https, Some(format!("http://host/a/{SERVICE}")), "configure the new address"),
            (ASKED, Some("ftp://host/a".to_owned()), "ftp://host/a"),
            (
                ASKED,
                Some("/users/sign_in".to_owned()),
                "http://host/users/sign_in, which is no address of a repository",
            ),
            (ASKED, Some("http://[".to_owned()), "not followed"),
            (ASKED, Some(String::new()), "without saying where"),
            (ASKED, None, "without saying where"),
        ] {
            let said = followed(&Url::parse(asked).unwrap(), location.as_deref()).unwrap_err();
            assert!(said.contains(says) && !said.contains("s3cret"), "{location:?}: {said}");
        }
    }
}

//! Which repository of which GitHub a remote's address names.

use std::fmt;

use url::{Host, Url};

use super::GithubError;
use crate::git::redact_url;

/// Services that are not GitHub, whatever the configuration says of it.
const OTHERS: [&str; 6] = ["gitlab.com", "codeberg.org", "bitbucket.org", "git.sr.ht", "salsa.debian.org", "gitea.com"];

/// A repository on github.com, on `*.ghe.com`, or on a GitHub Enterprise Server, and where its API is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubRepository {
    /// The user or organization.
    pub owner: String,
    /// The repository, without `.git`.
    pub name: String,
    pub(super) rest: Url,
    pub(super) graphql: Url,
    web: Url,
}

impl GithubRepository {
    /// The repository that a remote's address names: `https://`, `http://`, `ssh://` or `user@host:owner/name`.
    ///
    /// The API is the one that belongs to the address's host, or `api_url` where it is given: then the host may be
    /// any, such as an alias of the ssh configuration. An API over plain `http` is taken on this machine only.
    pub fn of_remote(remote_url: &str, api_url: Option<&str>) -> Result<Self, GithubError> {
        let shown = redact_url(remote_url);
        let elsewhere = |detail: &str| GithubError::NotOnGithub { url: shown.clone(), detail: detail.to_owned() };
        let (host, path) = host_and_path(remote_url.trim()).ok_or_else(|| {
            elsewhere("its address is none of GitHub's, which are https://HOST/OWNER/NAME and git@HOST:OWNER/NAME")
        })?;
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (owner, name) = path
            .split_once('/')
            .filter(|(owner, name)| [owner, name].into_iter().all(|part| is_name(part)))
            .ok_or_else(|| elsewhere("its path is not OWNER/NAME"))?;
        let host = host.to_ascii_lowercase();
        if api_url.is_none() && OTHERS.contains(&host.as_str()) {
            return Err(elsewhere("it is another service's"));
        }
        let rest = match api_url {
            Some(text) => api_address(text)?,
            None => api_of_host(&host).ok_or_else(|| elsewhere("its host is no name"))?,
        };
        let graphql = graphql_beside(&rest);
        let web = web_of(&host, &rest).ok_or_else(|| elsewhere("its host is no name"))?;
        Ok(Self { owner: owner.to_owned(), name: name.to_owned(), rest, graphql, web })
    }

    /// The page of the repository, such as `https://github.com/owner/name`.
    #[must_use]
    pub fn web_url(&self) -> String {
        format!("{}/{}/{}", self.web.as_str().trim_end_matches('/'), self.owner, self.name)
    }

    /// The page that compares two commits of the repository.
    #[must_use]
    pub fn compare_url(&self, from: &str, to: &str) -> String {
        format!("{}/compare/{from}...{to}", self.web_url())
    }

    /// The API's host, for people.
    #[must_use]
    pub fn api_host(&self) -> String {
        let port = self.rest.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.rest.host_str().unwrap_or_default())
    }

    /// The same GitHub's repository of another name: it was renamed.
    pub(super) fn renamed(&self, full_name: &str) -> Option<Self> {
        let (owner, name) = full_name.split_once('/').filter(|(owner, name)| is_name(owner) && is_name(name))?;
        Some(Self { owner: owner.to_owned(), name: name.to_owned(), ..self.clone() })
    }
}

impl fmt::Display for GithubRepository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.owner, self.name)
    }
}

/// What GitHub allows in a name; nothing that means anything in a URL.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && !matches!(text, "." | "..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn host_and_path(url: &str) -> Option<(String, String)> {
    if let Some((scheme, _)) = url.split_once("://") {
        let known = ["https", "http", "ssh", "git+ssh", "ssh+git"];
        let parsed = Url::parse(url).ok().filter(|_| known.contains(&scheme.to_ascii_lowercase().as_str()))?;
        // A port is Git's own (ssh), except where the web and with it the API is on another one.
        let port = parsed.port().filter(|_| parsed.scheme().starts_with("http"));
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        return Some((format!("{}{port}", parsed.host_str()?), parsed.path().to_owned()));
    }
    let (before, path) = url.split_once(':')?;
    if before.is_empty() || before.contains(['/', '[']) || before.starts_with('.') {
        return None;
    }
    let host = before.rsplit_once('@').map_or(before, |(_, host)| host);
    (!host.is_empty()).then(|| (host.to_owned(), path.to_owned()))
}

fn api_of_host(host: &str) -> Option<Url> {
    let address = match host {
        "github.com" | "www.github.com" | "ssh.github.com" => "https://api.github.com/".to_owned(),
        host if host.ends_with(".ghe.com") => format!("https://api.{host}/"),
        // GitHub Enterprise Server: the documentation of its REST API, "Getting started".
        host => format!("https://{host}/api/v3/"),
    };
    Url::parse(&address).ok()
}

fn api_address(text: &str) -> Result<Url, GithubError> {
    let refused = |detail: &str| GithubError::ApiAddress { url: redact_url(text), detail: detail.to_owned() };
    let mut url = Url::parse(text.trim()).map_err(|error| refused(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it holds credentials, which belong into the token's file"));
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(refused("it names no host")),
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
        return Err(refused("others could read the token on the way"));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// `/graphql` on github.com, `/api/graphql` on a GitHub Enterprise Server, whose REST API is at `/api/v3`.
fn graphql_beside(rest: &Url) -> Url {
    let mut graphql = rest.clone();
    if let Some(before) = rest.path().strip_suffix("/v3/") {
        graphql.set_path(&format!("{before}/"));
    }
    graphql
}

/// Where people look: the host of the remote, or that of the API where the remote's host is an alias.
fn web_of(host: &str, rest: &Url) -> Option<Url> {
    let host = match (host, rest.host_str()) {
        ("www.github.com" | "ssh.github.com", _) | (_, Some("api.github.com")) => "github.com".to_owned(),
        (host, Some(api)) if !host.contains('.') => api.strip_prefix("api.").unwrap_or(api).to_owned(),
        (host, _) => host.to_owned(),
    };
    Url::parse(&format!("https://{host}/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_from_the_address_of_the_remote() {
        for (remote, api, repository, rest, web) in [
            ("https://github.com/a/b.git", None, "a/b", "https://api.github.com/", "https://github.com/a/b"),
            ("https://github.com/a/b/", None, "a/b", "https://api.github.com/", "https://github.com/a/b"),
            (
                "https://x-access-token:t@GitHub.com/a/b",
                None,
                "a/b",
                "https://api.github.com/",
                "https://github.com/a/b",
            ),
            ("git@github.com:a/b.git", None, "a/b", "https://api.github.com/", "https://github.com/a/b"),
            ("ssh://git@ssh.github.com:443/a/b.git", None, "a/b", "https://api.github.com/", "https://github.com/a/b"),
            ("https://corp.ghe.com/a/b", None, "a/b", "https://api.corp.ghe.com/", "https://corp.ghe.com/a/b"),
            ("git@ghe.example.org:a/b", None, "a/b", "https://ghe.example.org/api/v3/", "https://ghe.example.org/a/b"),
            (
                "https://ghe.example.org:8443/a/b.nix",
                None,
                "a/b.nix",
                "https://ghe.example.org:8443/api/v3/",
                "https://ghe.example.org:8443/a/b.nix",
            ),
            (
                "work:a/b.git",
                Some("https://api.github.com"),
                "a/b",
                "https://api.github.com/",
                "https://github.com/a/b",
            ),
            (
                "git@ghe.example.org:a/b",
                Some("http://127.0.0.1:8080/api/v3"),
                "a/b",
                "http://127.0.0.1:8080/api/v3/",
                "https://ghe.example.org/a/b",
            ),
        ] {
            let found = GithubRepository::of_remote(remote, api).unwrap();
            assert_eq!(
                (&*found.to_string(), found.rest.as_str(), &*found.web_url()),
                (repository, rest, web),
                "{remote}"
            );
        }
        let server = GithubRepository::of_remote("git@ghe.example.org:a/b", None).unwrap();
        assert_eq!(server.graphql.as_str(), "https://ghe.example.org/api/");
        assert_eq!(server.compare_url("x", "y"), "https://ghe.example.org/a/b/compare/x...y");
    }

    #[test]
    fn what_is_not_on_github_is_said() {
        for (remote, sentence) in [
            ("/srv/fleet.git", "none of GitHub's"),
            ("./a:b/c", "none of GitHub's"),
            ("file:///srv/fleet.git", "none of GitHub's"),
            ("git://github.com/a/b", "none of GitHub's"),
            ("https://gitlab.com/a/b", "another service's"),
            ("git@codeberg.org:a/b.git", "another service's"),
            ("https://github.com/a", "not OWNER/NAME"),
            ("https://github.com/a/b/c", "not OWNER/NAME"),
            ("https://github.com/a/%2e%2e", "not OWNER/NAME"),
            ("git@github.com:a/b?x", "not OWNER/NAME"),
            ("", "none of GitHub's"),
        ] {
            let error = GithubRepository::of_remote(remote, None).unwrap_err().to_string();
            assert!(error.contains(sentence), "{remote}: {error}");
        }
        let error = GithubRepository::of_remote("https://user:secret@gitlab.com/a/b", None).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn a_token_goes_nowhere_where_others_could_read_it() {
        for (api, sentence) in [
            ("http://ghe.example.org/api/v3", "others could read"),
            ("ftp://ghe.example.org", "others could read"),
            ("https://user:pw@ghe.example.org", "credentials"),
            ("nonsense", "relative URL"),
        ] {
            let error = GithubRepository::of_remote("git@a:b/c", Some(api)).unwrap_err().to_string();
            assert!(error.contains(sentence) && !error.contains("pw"), "{api}: {error}");
        }
    }
}

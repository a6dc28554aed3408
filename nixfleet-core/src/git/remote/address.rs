//! The address of a remote, taken apart.

use std::path::PathBuf;

use url::{Host, Url};

use super::RemoteError;
use super::ssh_command::SshTarget;
use crate::git::redact_url;

/// An address that can be connected to.
#[derive(Clone)]
pub(super) enum Address {
    /// `http://` and `https://`.
    Http(HttpAddress),
    /// `ssh://` and `user@host:path`.
    Ssh(SshTarget),
    /// `git://`, without any protection.
    Git(String),
    /// A directory of this machine.
    Local(PathBuf),
}

/// A web address, with its credentials apart.
#[derive(Clone)]
pub(super) struct HttpAddress {
    /// Without credentials.
    pub(super) url: Url,
    /// The user name and password that the address held.
    pub(super) username_and_password: Option<(String, String)>,
}

impl Address {
    /// Takes the address apart.
    pub(super) fn parse(text: &str) -> Result<Self, RemoteError> {
        let text = text.trim();
        let unusable = |detail: &str| RemoteError::Address { url: redact_url(text), detail: detail.to_owned() };
        if text.is_empty() {
            return Err(unusable("it is empty: configure the address of the repository"));
        }
        if text.contains(char::is_control) {
            return Err(unusable("it holds control characters: write it anew"));
        }
        let Some((scheme, _)) = text.split_once("://") else { return Self::without_scheme(text) };
        let url = Url::parse(text).map_err(|error| unusable(&format!("{error}: check how it is written")))?;
        let without_host = || unusable("it names no host: write it as scheme://host/path");
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => Ok(Self::Http(HttpAddress::new(url).ok_or_else(without_host)?)),
            "ssh" | "git+ssh" | "ssh+git" => Ok(Self::Ssh(SshTarget::from_url(&url)?)),
            "git" => Ok(Self::Git(url.into())),
            "file" => url
                .to_file_path()
                .map(Self::Local)
                .map_err(|()| unusable("it names no absolute path: write it as file:///path")),
            _ => {
                Err(unusable("its scheme is not supported: use https, http, ssh, git, file, user@host:path or a path"))
            }
        }
    }

    fn without_scheme(text: &str) -> Result<Self, RemoteError> {
        let unusable = |detail: &str| RemoteError::Address { url: redact_url(text), detail: detail.to_owned() };
        let before_slash = text.split('/').next().unwrap_or_default();
        if !before_slash.contains(':') || before_slash.is_empty() {
            let path = std::path::absolute(text).map_err(|error| unusable(&error.to_string()))?;
            return Ok(Self::Local(path));
        }
        if ["github:", "gitlab:", "sourcehut:", "flake:", "path:"].iter().any(|prefix| text.starts_with(prefix)) {
            return Err(unusable("that is a flake reference: give the address that `git clone` takes"));
        }
        Ok(Self::Ssh(SshTarget::from_scp_like(text)?))
    }
}

impl HttpAddress {
    fn new(mut url: Url) -> Option<Self> {
        url.host()?;
        let decode = |text: &str| String::from_utf8_lossy(&percent_decode(text)).into_owned();
        let username_and_password = match (url.username(), url.password()) {
            ("", None) => None,
            (username, password) => Some((decode(username), decode(password.unwrap_or_default()))),
        };
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        url.set_fragment(None);
        Some(Self { url, username_and_password })
    }

    /// Whether what is sent there can be read by nobody else.
    pub(super) fn is_confidential(&self) -> bool {
        self.url.scheme() == "https"
            || match self.url.host() {
                Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    }

    /// Whether `other` is the same server, reached as safely.
    pub(super) fn is_same_server(&self, other: &Url) -> bool {
        let same_port = other.port_or_known_default() == self.url.port_or_known_default();
        let upgraded = self.url.scheme() == "http" && other.scheme() == "https";
        other.host() == self.url.host() && (upgraded || (same_port && other.scheme() == self.url.scheme()))
    }
}

/// The bytes that `%41` and the like stand for.
pub(super) fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_kinds_apart() {
        let kind = |text: &str| match Address::parse(text) {
            Ok(Address::Http(_)) => "http",
            Ok(Address::Ssh(_)) => "ssh",
            Ok(Address::Git(_)) => "git",
            Ok(Address::Local(_)) => "local",
            Err(_) => "error",
        };
        for (text, expected) in [
            ("https://host/a", "http"),
            ("http://[::1]:8080/a", "http"),
            ("ssh://git@host/a", "ssh"),
            ("git@host:a", "ssh"),
            ("host:a/b", "ssh"),
            ("git://host/a", "git"),
            ("/srv/a", "local"),
            ("./a:b", "local"),
            ("a", "local"),
            ("file:///srv/a", "local"),
            ("", "error"),
            ("github:NixOS/nixpkgs", "error"),
            ("ftp://host/a", "error"),
            ("ext::sh -c true", "ssh"),
            ("https://", "error"),
            ("https://host/\na", "error"),
            ("ssh://-oProxyCommand=x/a", "error"),
            ("-oProxyCommand=x:a", "error"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn credentials_are_taken_out() {
        let Ok(Address::Http(address)) = Address::parse("https://us%40er:p%2Fw@host/a") else { panic!("http") };
        assert_eq!(address.url.as_str(), "https://host/a");
        assert_eq!(address.username_and_password, Some(("us@er".to_owned(), "p/w".to_owned())));
    }

    #[test]
    fn another_server_is_another() {
        let Ok(Address::Http(address)) = Address::parse("http://host/a") else { panic!("http") };
        for (other, same) in [
            ("http://host:80/b", true),
            ("https://host/b", true),
            ("http://host:81/b", false),
            ("http://host.evil/b", false),
        ] {
            assert_eq!(address.is_same_server(&Url::parse(other).unwrap()), same, "{other}");
        }
    }
}

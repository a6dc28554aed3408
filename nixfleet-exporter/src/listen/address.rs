//! The forms of `--web.listen-address`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// One address and port, such as `127.0.0.1:19931` or `[::1]:19931`.
    Tcp(SocketAddr),
    /// A port on all addresses of the machine: `:19931`.
    AllInterfaces(u16),
    /// A unix socket: `unix:/run/nixfleet-exporter/http.sock`.
    Unix(PathBuf),
    /// The sockets that systemd passes: `systemd`.
    Systemd,
}

/// The text names no place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address to listen on: write 127.0.0.1:19931, [::1]:19931, :19931, unix:/path or systemd")]
pub struct InvalidAddress(String);

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAddress(text.chars().take(80).collect());
        if text == "systemd" {
            return Ok(Self::Systemd);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(invalid()) };
        }
        if let Some(port) = text.strip_prefix(':') {
            return port.parse().map(Self::AllInterfaces).map_err(|_| invalid());
        }
        text.parse().map(Self::Tcp).map_err(|_| invalid())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::AllInterfaces(port) => write!(formatter, ":{port}"),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Systemd => formatter.write_str("systemd"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for text in ["127.0.0.1:19931", "[::1]:19931", "[::]:0", ":19931", "unix:/run/x.sock", "systemd"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for wrong in ["", ":", "19931", "localhost:19931", ":65536", ":-1", "unix:", "unix:x", "::1:80", "Systemd"] {
            let message = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(message.contains("[::1]:19931"), "{message}");
        }
    }
}

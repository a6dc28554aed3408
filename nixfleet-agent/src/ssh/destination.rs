//! Whom to reach where: `user@name`.

use std::fmt;
use std::str::FromStr;

/// A host for `ssh`, without anything that `ssh` or a shell could take for something else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SshDestination {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Why a text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// A part is missing.
    #[error("it names no {0}: write it as name, user@name or user@name:port")]
    Missing(&'static str),
    /// A part holds what is refused.
    #[error("its {part} may not hold {character:?}: write it as name, user@name or user@name:port")]
    Character {
        /// `user` or `host`.
        part: &'static str,
        /// The first such character.
        character: char,
    },
    /// It would be an option of ssh.
    #[error("its {0} may not start with a dash: write it as name, user@name or user@name:port")]
    Dash(&'static str),
    /// It is too long for any name.
    #[error("it is longer than 255 characters: write it as name, user@name or user@name:port")]
    Long,
    /// The port is no port.
    #[error("its port is not a number from 1 to 65535")]
    Port,
}

impl SshDestination {
    /// The user, where one is named.
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The name or address of the host, without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one is named.
    pub(crate) const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The same host, as this user, whose name is a usual one.
    pub(crate) fn with_user(self, user: &str) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }
}

impl FromStr for SshDestination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        if text.len() > 255 {
            return Err(DestinationError::Long);
        }
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(checked_user(user)?), rest),
            None => (None, text),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(DestinationError::Missing("closing bracket"))?;
                let port = if port.is_empty() { None } else { Some(port.strip_prefix(':').unwrap_or_default()) };
                (host, port)
            }
            // An IPv6 address without brackets has no port.
            None if rest.matches(':').count() > 1 => (rest, None),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let is_usual = |character: char| character.is_ascii_alphanumeric() || "._-:%".contains(character);
        let host = checked("host", host, is_usual)?;
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or(DestinationError::Port)?),
            None => None,
        };
        Ok(Self { user, host, port })
    }
}

fn checked_user(user: &str) -> Result<String, DestinationError> {
    checked("user", user, |character| character.is_ascii_alphanumeric() || "._-+\\@".contains(character))
}

fn checked(part: &'static str, text: &str, is_usual: impl Fn(char) -> bool) -> Result<String, DestinationError> {
    if text.is_empty() {
        return Err(DestinationError::Missing(part));
    }
    if text.starts_with('-') {
        return Err(DestinationError::Dash(part));
    }
    match text.chars().find(|character| !is_usual(*character)) {
        Some(character) => Err(DestinationError::Character { part, character }),
        None => Ok(text.to_owned()),
    }
}

impl fmt::Display for SshDestination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(formatter, "{user}@")?;
        }
        match self.port {
            Some(port) if self.host.contains(':') => write!(formatter, "[{}]:{port}", self.host),
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => formatter.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_names_and_addresses() {
        for (text, user, host, port) in [
            ("web1", None, "web1", None),
            ("root@web1", Some("root"), "web1", None),
            ("root@web1.example.org:2222", Some("root"), "web1.example.org", Some(2222)),
            ("10.0.0.1:22", None, "10.0.0.1", Some(22)),
            ("alice@fe80::1%eth0", Some("alice"), "fe80::1%eth0", None),
            ("alice@[::1]:2222", Some("alice"), "::1", Some(2222)),
            ("[::1]", None, "::1", None),
            ("alice@example.org@web1", Some("alice@example.org"), "web1", None),
        ] {
            let destination: SshDestination = text.parse().unwrap();
            let found = (destination.user(), destination.host(), destination.port());
            assert_eq!(found, (user, host, port), "{text}");
            assert_eq!(destination.to_string().parse(), Ok(destination), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_name() {
        for text in [
            "",
            "@",
            "root@",
            "@web1",
            "-oProxyCommand=x",
            "root@-x",
            "-l@web1",
            "we b1",
            "web1;id",
            "web1$(id)",
            "web1`id`",
            "web1'",
            "web1\"",
            "web1\n",
            "web1/x",
            "web1:",
            "web1:0",
            "web1:70000",
            "web1:-1",
            "[::1",
            "[::1]22",
            "wéb1",
            "ro ot@web1",
            "a\u{0}b",
            "%(x)",
            "web1\\",
        ] {
            assert!(text.parse::<SshDestination>().is_err(), "{text:?}");
        }
        assert!("a".repeat(256).parse::<SshDestination>().is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_taken_is_an_option_or_needs_quotes(text in ".{0,40}") {
            if let Ok(destination) = text.parse::<SshDestination>() {
                for part in [destination.host(), destination.user().unwrap_or("x")] {
                    prop_assert!(!part.starts_with('-') && !part.is_empty());
                    let is_odd = |it: char| it.is_whitespace() || "'\"`$;&|<>(){}*?!#~=,/".contains(it);
                    prop_assert!(!part.contains(is_odd), "{}", part);
                }
            }
        }
    }
}

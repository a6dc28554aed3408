//! The command that reaches a repository over ssh.

use std::process::{Command, Stdio};
use std::time::Duration;

use url::Url;

use super::address::percent_decode;
use super::{Credentials, RemoteError, Timeouts};
use crate::git::redact_url;

/// A repository on an ssh host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshTarget {
    user: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
}

impl SshTarget {
    /// `ssh://user@host:port/path`; a path that begins with `/~` is in somebody's home, as git has it.
    pub(super) fn from_url(url: &Url) -> Result<Self, RemoteError> {
        let decode = |text: &str| String::from_utf8(percent_decode(text)).ok();
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let path = if url.path().starts_with("/~") { &url.path()[1..] } else { url.path() };
        let user = if url.username().is_empty() { Some(None) } else { decode(url.username()).map(Some) };
        match (user, decode(host), decode(path)) {
            (Some(user), Some(host), Some(path)) => {
                Self { user, host, port: url.port(), path }.checked(&redact_url(url.as_str()))
            }
            _ => Err(unusable(url.as_str(), "it is not UTF-8: write it anew")),
        }
    }

    /// `user@host:path`, the path being relative to the home; an IPv6 address stands in brackets.
    pub(super) fn from_scp_like(text: &str) -> Result<Self, RemoteError> {
        let malformed = || unusable(text, "it is not of the form user@host:path");
        let (user, rest) = match text.split_once('@') {
            Some((user, rest)) if !user.contains([':', '/']) => (Some(user.to_owned()), rest),
            _ => (None, text),
        };
        let (host, path) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("]:").ok_or_else(malformed)?,
            None => rest.split_once(':').ok_or_else(malformed)?,
        };
        Self { user, host: host.to_owned(), port: None, path: path.to_owned() }.checked(&redact_url(text))
    }

    /// Refuses what ssh or git would take for an option.
    fn checked(self, shown: &str) -> Result<Self, RemoteError> {
        let forbidden =
            |text: &str| text.contains(|character: char| character.is_control() || character.is_whitespace());
        if self.host.is_empty() || self.path.trim_matches('/').is_empty() {
            return Err(unusable(shown, "it names no host or no path: write it as user@host:path"));
        }
        if self.host.starts_with('-')
            || self.path.starts_with('-')
            || self.user.as_ref().is_some_and(|user| user.starts_with('-'))
        {
            return Err(unusable(
                shown,
                "a user, host or path that starts with a dash is refused: write the path as ./-path",
            ));
        }
        if forbidden(&self.host) || self.user.as_deref().is_some_and(forbidden) || self.path.contains(char::is_control)
        {
            return Err(unusable(shown, "its user, host or path holds characters that are refused: write it anew"));
        }
        Ok(self)
    }

    /// The command that runs `git-upload-pack` there. It never asks anybody anything.
    pub(super) fn command(&self, credentials: &Credentials, timeouts: Timeouts) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-T", "-a", "-x"]);
        let mut option = |name: &str, value: &str| {
            command.arg("-o").arg(format!("{name}={value}"));
        };
        for (name, value) in [
            ("BatchMode", "yes"),
            ("StrictHostKeyChecking", "yes"),
            ("UpdateHostKeys", "no"),
            ("ClearAllForwardings", "yes"),
            ("PermitLocalCommand", "no"),
            // A shared connection would outlive us, and its end would not be ours to decide.
            ("ControlMaster", "no"),
            ("ControlPath", "none"),
            ("LogLevel", "ERROR"),
            ("ServerAliveCountMax", "2"),
        ] {
            option(name, value);
        }
        option("ConnectTimeout", &whole_seconds(timeouts.connect).to_string());
        option("ServerAliveInterval", &whole_seconds(timeouts.idle / 2).to_string());
        if let Some(known_hosts) = &credentials.known_hosts_file {
            option("UserKnownHostsFile", &quoted_file(&known_hosts.to_string_lossy()));
            option("GlobalKnownHostsFile", "/dev/null");
        }
        if let Some(key) = &credentials.ssh_key_file {
            option("IdentityFile", &quoted_file(&key.to_string_lossy()));
            option("IdentitiesOnly", "yes");
            option("IdentityAgent", "none");
        }
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
        if let Some(user) = &self.user {
            command.arg("-l").arg(user);
        }
        command.arg("--").arg(&self.host).arg(format!("git-upload-pack {}", shell_quoted(&self.path)));
        for variable in ["SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY", "GIT_PROTOCOL"] {
            command.env_remove(variable);
        }
        // The messages of ssh are told apart by their text.
        command.env("SSH_ASKPASS_REQUIRE", "never").env("LC_ALL", "C");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn unusable(url: &str, detail: &str) -> RemoteError {
    RemoteError::Address { url: redact_url(url), detail: detail.to_owned() }
}

/// Whole seconds, at least one: zero would mean no limit to ssh.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}

/// A file name in an option of ssh, which splits at blanks and expands percent signs.
fn quoted_file(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('%', "%%"))
}

/// One word for the shell of the remote.
fn shell_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('!', r"'\!'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        let target = match text.split_once("://") {
            Some(_) => SshTarget::from_url(&Url::parse(text).unwrap()),
            None => SshTarget::from_scp_like(text),
        };
        let command = target.unwrap().command(&Credentials::default(), Timeouts::default());
        command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn ends_with_host_and_command() {
        for (url, end) in [
            ("git@host:a/b.git", &["-l", "git", "--", "host", "git-upload-pack 'a/b.git'"][..]),
            ("host:a b", &["--", "host", "git-upload-pack 'a b'"]),
            ("[::1]:a", &["--", "::1", "git-upload-pack 'a'"]),
            ("ssh://git@host:2222/a", &["-p", "2222", "-l", "git", "--", "host", "git-upload-pack '/a'"]),
            ("ssh://[::1]/~me/a", &["--", "::1", "git-upload-pack '~me/a'"]),
            ("ssh://host/a%20b", &["--", "host", "git-upload-pack '/a b'"]),
            ("host:it's;rm -rf $HOME`!", &["--", "host", r"git-upload-pack 'it'\''s;rm -rf $HOME`'\!''"]),
        ] {
            assert!(arguments(url).ends_with(&end.iter().map(ToString::to_string).collect::<Vec<_>>()), "{url}");
        }
    }

    #[test]
    fn refuses_what_would_be_an_option() {
        for text in ["-oProxyCommand=x:a", "-l@host:a", "host:-a", "host:", ":a", "a@:b", "ho st:a", "[::1:a"] {
            assert!(SshTarget::from_scp_like(text).is_err(), "{text}");
        }
        for text in [
            "ssh://-oProxyCommand=x/a",
            "ssh://-x@host/a",
            "ssh://%2DoProxyCommand=x/a",
            "ssh://host/",
            "ssh://host/a%0ab",
        ] {
            let refused =
                Url::parse(text).is_ok_and(|url| SshTarget::from_url(&url).is_err()) || Url::parse(text).is_err();
            assert!(refused, "{text}");
        }
    }
}

//! What `ssh` and the remote's shell say when it fails, as one sentence with the next step.

use super::RemoteError;
use crate::one_line::one_line;

/// The error for what stands on the standard error of `ssh`; none where that is nothing.
///
/// The texts are those of OpenSSH and of git-upload-pack in the C locale.
pub(super) fn ssh_failure(url: &str, stderr: &str) -> Option<RemoteError> {
    let url = url.to_owned();
    let last = one_line(stderr.lines().rev().find(|line| !line.trim().is_empty())?, 300);
    let has = |texts: &[&str]| texts.iter().any(|text| stderr.contains(text));
    let line_with = |text: &str| one_line(stderr.lines().find(|line| line.contains(text)).unwrap_or(&last), 300);
    if has(&["HOST IDENTIFICATION HAS CHANGED", "POSSIBLE DNS SPOOFING", "REVOKED HOST KEY"]) {
        let detail = "its key is not the known one, which is either a new host or an attack: ask its administrator, \
                      then put the right key into the known hosts file";
        return Some(RemoteError::HostKey { url, detail: detail.to_owned() });
    }
    if has(&["Host key verification failed", "host key is known for"]) {
        let detail = "its key is not known here: get the key from its administrator (`ssh-keyscan HOST` shows the one \
                      it offers) and put it into the known hosts file";
        return Some(RemoteError::HostKey { url, detail: detail.to_owned() });
    }
    if has(&[
        "does not appear to be a git repository",
        "epository not found",
        "not a git repository",
        "could not be found",
    ]) {
        return Some(RemoteError::NotFound { url, detail: line_with("fatal") });
    }
    if has(&["Permission denied (", "Too many authentication failures", "UNPROTECTED PRIVATE KEY"]) {
        let key = stderr.lines().find(|line| line.contains("Load key") || line.contains("UNPROTECTED"));
        let said = key.map(|line| one_line(line.trim_matches(['@', ' ']), 200)).unwrap_or(last);
        let detail =
            format!("{said}; add the public key to those that may read the repository, or configure another key");
        return Some(RemoteError::Authentication { url, detail });
    }
    if has(&["timed out", "Timeout, server"]) {
        return Some(RemoteError::Timeout { url, detail: format!("took too long ({})", line_with("imed out")) });
    }
    if has(&["Could not resolve hostname"]) {
        let detail = format!("{}; check the name and the DNS", line_with("Could not resolve hostname"));
        return Some(RemoteError::Network { url, detail });
    }
    if has(&[
        "Connection refused",
        "No route to host",
        "Network is unreachable",
        "Connection reset",
        "Connection closed",
    ]) {
        return Some(RemoteError::Network { url, detail: format!("{last}; check host, port and firewall") });
    }
    if has(&["Bad owner or permissions", "Bad configuration option"]) {
        return Some(RemoteError::Network { url, detail: format!("{last}; check the configuration of ssh") });
    }
    Some(RemoteError::Protocol { url, detail: last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_failures_apart() {
        let kind = |stderr: &str| match ssh_failure("u", stderr) {
            Some(RemoteError::HostKey { .. }) => "host key",
            Some(RemoteError::NotFound { .. }) => "not found",
            Some(RemoteError::Authentication { .. }) => "authentication",
            Some(RemoteError::Timeout { .. }) => "timeout",
            Some(RemoteError::Network { .. }) => "network",
            Some(_) => "other",
            None => "none",
        };
        for (stderr, expected) in [
            ("\n \n", "none"),
            (
                "No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.",
                "host key",
            ),
            ("git@github.com: Permission denied (publickey).", "authentication"),
            ("ERROR: Repository not found.", "not found"),
            ("fatal: '/x' does not appear to be a git repository", "not found"),
            ("ssh: connect to host h port 22: Connection timed out", "timeout"),
            ("Connection timed out during banner exchange\nConnection to 127.0.0.1 port 1 timed out", "timeout"),
            ("ssh: connect to host h port 22: Connection refused", "network"),
            ("ssh: Could not resolve hostname h: Name or service not known", "network"),
            ("sh: git-upload-pack: command not found", "other"),
        ] {
            assert_eq!(kind(stderr), expected, "{stderr}");
        }
    }
}

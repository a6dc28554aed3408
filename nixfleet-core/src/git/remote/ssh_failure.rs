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
    if has(&["UNPROTECTED PRIVATE KEY"]) {
        let detail = "the file of the private key may be read by others, so ssh does not use it: `chmod 600` it";
        return Some(RemoteError::Authentication { url, detail: detail.to_owned() });
    }
    if has(&["Permission denied (", "Too many authentication failures"]) {
        let detail = if let Some(line) = stderr.lines().find(|line| line.contains("Load key")) {
            format!("{}; check that this file is a private key without a passphrase", one_line(line.trim(), 200))
        } else {
            format!("{last}; add the public key to those that may read the repository, or configure another key")
        };
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

    #[test]
    fn a_key_that_cannot_be_used_is_not_one_that_is_refused() {
        let said = |stderr: &str| ssh_failure("u", stderr).unwrap().to_string();
        let denied = "g@h: Permission denied (publickey).";
        let unprotected =
            said(&format!("@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nLoad key \"/k\": bad permissions\n{denied}"));
        assert!(unprotected.contains("chmod 600") && !unprotected.contains("public key"), "{unprotected}");
        let damaged = said(&format!("Load key \"/k\": error in libcrypto\n{denied}"));
        assert!(damaged.contains("\"/k\"") && damaged.contains("is a private key"), "{damaged}");
        assert!(said(denied).contains("add the public key"));
    }
}

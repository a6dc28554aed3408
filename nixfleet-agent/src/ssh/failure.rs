//! What `ssh` says when it fails, as one sentence with the next step.

use super::SshDestination;
use crate::printable::printable;

/// The sentence for what stands on the standard error of `ssh`, in the C locale of OpenSSH.
pub(super) fn sentence(destination: &SshDestination, stderr: &str) -> String {
    let has = |texts: &[&str]| texts.iter().any(|text| stderr.contains(text));
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).map(|line| {
        let line = line.trim().trim_end_matches('.');
        // The sentence begins with the host already.
        printable(line.strip_prefix(&format!("{destination}: ")).unwrap_or(line))
    });
    let last = last.unwrap_or_else(|| "ssh ended without a word".to_owned());
    if has(&["HOST IDENTIFICATION HAS CHANGED", "POSSIBLE DNS SPOOFING", "REVOKED HOST KEY"]) {
        return "its host key is not the known one, which is either a new host or an attack: ask its administrator, then \
                put the right key into ~/.ssh/known_hosts"
            .to_owned();
    }
    if has(&["Host key verification failed", "host key is known for"]) {
        return format!(
            "its host key is not known here: get it from its administrator, or connect once with `ssh {destination}` and \
             compare the key that it shows"
        );
    }
    if has(&["Permission denied (", "Too many authentication failures", "UNPROTECTED PRIVATE KEY", "Load key "]) {
        return format!(
            "{last}; nixfleet never asks for a password: let your key in there (`ssh-copy-id`), unlock it with `ssh-add`, \
             or name another user, as in `--host root@{}`",
            destination.host()
        );
    }
    if has(&["timed out", "Timeout, server", "Broken pipe"]) {
        return format!("{last}; is it up, and is the network there?");
    }
    if has(&["Could not resolve hostname"]) {
        return format!("{last}; check the name");
    }
    if has(&[
        "Connection refused",
        "No route to host",
        "Network is unreachable",
        "Connection reset",
        "Connection closed",
    ]) {
        return format!("{last}; is it up, and does its firewall let ssh in?");
    }
    if has(&["ssh: not found"]) {
        return "there is no ssh here; install OpenSSH's client".to_owned();
    }
    if has(&["Bad owner or permissions", "Bad configuration option"]) {
        return format!("{last}; check ~/.ssh/config");
    }
    format!("{last}; try `ssh {destination}`")
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn every_failure_has_a_next_step() {
        for (stderr, words) in [
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                "not the known one",
            ),
            ("Host key verification failed.", "is not known here"),
            ("alice@web1: Permission denied (publickey,password).", "never asks for a password"),
            ("ssh: connect to host web1 port 22: Connection timed out", "is it up"),
            ("Timeout, server web1 not responding.", "is it up"),
            ("ssh: Could not resolve hostname web1: Name or service not known", "check the name"),
            ("ssh: connect to host web1 port 22: Connection refused", "firewall"),
            ("Bad owner or permissions on /root/.ssh/config", "~/.ssh/config"),
            ("sh: 1: exec: ssh: not found", "install OpenSSH's client"),
            ("", "try `ssh alice@web1`"),
            ("some\x1b[31mthing\n\n", "some\u{fffd}[31mthing; try `ssh alice@web1`"),
        ] {
            let told = sentence(&"alice@web1".parse().unwrap(), stderr);
            assert!(told.contains(words) && !told.contains('\n'), "{stderr}: {told}");
        }
    }
}

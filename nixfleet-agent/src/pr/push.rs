//! Pushing a reverting commit with the user's own git: its credentials, its signing key, its rules.

use std::process::{Command, Stdio};

use nixfleet_core::Revision;
use nixfleet_core::git::Revert;

use super::PrError;
use super::place::Place;
use crate::printable::printable;

/// The remote's name for one call: its address may hold a password, which is no argument for all to read.
const REMOTE: &str = "nixfleet-revert";

/// Answers with the token that is in the environment of git only.
const HELPER: &str = "!f() { echo username=x-access-token; echo \"password=$NIXFLEET_TOKEN\"; }; f";

/// The commit that the branch ends in now.
#[derive(Debug)]
pub(super) struct Pushed {
    pub(super) revision: Revision,
}

/// The branch's tip on the remote, whose objects are in the checkout afterwards. No reference is written.
pub(super) fn fetch_tip(place: &Place, branch: &str) -> Result<Revision, PrError> {
    let reference = format!("refs/heads/{branch}");
    let listed = git(place, "ls-remote", &["ls-remote", "--exit-code", REMOTE, &reference])?;
    let tip = listed.split_whitespace().next().and_then(|revision| revision.parse().ok());
    let tip: Revision = tip.ok_or_else(|| failed("ls-remote", "it names no commit"))?;
    git(place, "fetch", &["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", REMOTE, &reference])?;
    Ok(tip)
}

/// Whether this user's git signs what it commits there.
pub(super) fn wants_signature(place: &Place) -> Result<bool, PrError> {
    let setting = git(place, "config", &["config", "--type=bool", "--get", "--default=false", "commit.gpgSign"])?;
    Ok(setting.trim() == "true")
}

/// Makes the commit and pushes it, forward only: where the branch moved on meanwhile the remote refuses.
pub(super) fn push_revert(place: &Place, branch: &str, tip: &Revision, content: &Revert) -> Result<Pushed, PrError> {
    let mut arguments = vec!["commit-tree", &content.tree, "-p", tip.as_str(), "-m", &content.message];
    if wants_signature(place)? {
        arguments.push("-S");
    }
    let revision: Revision = git(place, "commit-tree", &arguments)?
        .trim()
        .parse()
        .map_err(|_| failed("commit-tree", "it made no commit"))?;
    let refspec = format!("{revision}:refs/heads/{branch}");
    git(place, "push", &["push", "--quiet", REMOTE, &refspec]).map_err(|error| match error {
        PrError::Git { command: "push", said } => PrError::PushRefused { said },
        error => error,
    })?;
    Ok(Pushed { revision })
}

fn git(place: &Place, name: &'static str, arguments: &[&str]) -> Result<String, PrError> {
    let mut settings = vec![(format!("remote.{REMOTE}.url"), place.remote_url.clone())];
    let mut command = Command::new("git");
    if let Some(token) = place.given_token().filter(|_| place.remote_url.starts_with("https://")) {
        // An empty one first: the user's own helpers would be asked, and might keep the token.
        settings.push(("credential.helper".to_owned(), String::new()));
        settings.push(("credential.helper".to_owned(), HELPER.to_owned()));
        command.env("NIXFLEET_TOKEN", token.secret());
    }
    for (number, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    command.env("GIT_CONFIG_COUNT", settings.len().to_string()).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    command.arg("-C").arg(&place.checkout).args(arguments).stdin(Stdio::null());
    let output = command.output().map_err(PrError::NoGit)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(name, &said(&String::from_utf8_lossy(&output.stderr), &place.remote_url, &place.shown_url())))
}

fn failed(command: &'static str, said: &str) -> PrError {
    PrError::Git { command, said: said.to_owned() }
}

/// The lines that tell why, on one line, without a password.
fn said(text: &str, url: &str, shown: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    let lines: Vec<&str> = lines.take(4).collect();
    let said: String = lines.join(", ").replace(url, shown).chars().take(400).collect();
    if said.is_empty() { "it gives no reason".to_owned() } else { printable(&said) }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn is_one_line_without_a_password() {
        let text = "fatal: unable to access 'https://u:pw@host/a': no\nhint: try\n\x1b[31mremote: x\n";
        assert_eq!(
            said(text, "https://u:pw@host/a", "https://host/a"),
            "fatal: unable to access 'https://host/a': no, \u{fffd}[31mremote: x"
        );
        assert_eq!(said("", "a", "b"), "it gives no reason");
    }
}

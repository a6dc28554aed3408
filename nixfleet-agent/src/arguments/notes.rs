//! What `--help` and the man pages say besides the options: examples, exit codes, files, environment.

use std::fmt::Write as _;

use crate::outcome::EXIT_CODES;

/// What `nixfleet status` does.
pub const ABOUT_STATUS: &str = "\
Show the five compartments of this host, or of a repository.

Without --repo: reads what the agent and systemd recorded on this host. Nothing is changed and nobody is asked over the \
network.

With --repo: looks at any flake repository, without a daemon, root or NixOS. Git and Lock are compared with the remote, \
which is asked now; the other three are gray. The repository is never written to: what has to be fetched for the \
comparison is kept in the cache directory.";

/// Command lines of `nixfleet status` with what they show.
pub const EXAMPLES: [(&str, &str); 5] = [
    ("nixfleet status", "this host"),
    ("nixfleet status --watch", "again every 2 seconds, until q or Ctrl-C"),
    ("nixfleet status --repo ~/nixos", "a checkout, against its upstream branch"),
    ("nixfleet status --repo . --fail-on outdated", "in a script: exit code 3 if an update is due"),
    ("nixfleet status --json | jq .compartments.git", "for programs; docs/status.md describes the keys"),
];

/// The files that `nixfleet status` reads and writes.
pub const FILES: [(&str, &str); 4] = [
    ("/etc/nixfleet/config.json", "the configuration of this host"),
    ("/var/lib/nixfleet", "what the agent recorded; only read"),
    ("/run/nixfleet", "what the agent recorded since the last boot; only read"),
    ("~/.cache/nixfleet", "with --repo: commits of remotes, fetched for the comparison; may be deleted at any time"),
];

/// The environment variables that count.
pub const ENVIRONMENT: [(&str, &str); 4] = [
    ("NO_COLOR", "if set and not empty: no colours, unless --color always"),
    ("CLICOLOR_FORCE", "if set and not 0: colours also where the output is not a terminal"),
    ("XDG_CACHE_HOME, HOME", "where the cache directory lies"),
    ("CACHE_DIRECTORY", "the cache directory itself, as systemd sets it for a service with CacheDirectory="),
];

/// The exit codes as a block of text.
#[must_use]
pub fn exit_codes() -> String {
    let mut text = "Exit codes:".to_owned();
    for (code, meaning) in EXIT_CODES {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {code}  {meaning}");
    }
    text
}

/// Examples, exit codes and files as a block of text.
#[must_use]
pub fn of_status() -> String {
    let mut text = "Examples:\n".to_owned();
    for (line, meaning) in EXAMPLES {
        let _ = writeln!(text, "  {line:46} {meaning}");
    }
    let _ = write!(text, "\n{}\n\nFiles:", exit_codes());
    for (path, meaning) in FILES {
        let _ = write!(text, "\n  {path:26} {meaning}");
    }
    text
}

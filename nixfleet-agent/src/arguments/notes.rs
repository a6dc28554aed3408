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

/// What `nixfleet pull` does.
pub const ABOUT_PULL: &str = "\
Bring the tracked branch to the local repository, and follow it.

Starts nixfleet-pull.service, shows what it writes, and ends with the five compartments. The checkout only goes forward; \
files with changes are never overwritten. Ctrl-C ends following, not the pull.";

/// What `nixfleet switch` does.
pub const ABOUT_SWITCH: &str = "\
Build the repository's commit and activate it, and follow it.

Starts nixfleet-switch.service, shows what it writes, and ends with the five compartments. It builds what was pulled: \
`nixfleet pull` comes first. Ctrl-C ends following, not the switch; `nixfleet cancel switch` ends the switch.";

/// What `nixfleet test` does.
pub const ABOUT_TEST: &str = "\
Run this host's tests, and follow them.

Starts nixfleet-test.service, shows what the tests write, and ends with the five compartments. Ctrl-C ends following, not \
the tests.";

/// What `nixfleet rollback` does.
pub const ABOUT_ROLLBACK: &str = "\
Go back to the previous generation, or to another one, and follow it.

Starts nixfleet-rollback.service, shows what it writes, and ends with the five compartments. The commit that it steps back \
from is held: the agent does not deploy it until `nixfleet release`.";

/// What `nixfleet cancel` does.
pub const ABOUT_CANCEL: &str = "\
Stop the operation that runs, and wait for its end.

An activation that is stopped half-way leaves a system that is partly the new one: the System compartment is red then.";

/// What `nixfleet logs` does.
pub const ABOUT_LOGS: &str = "\
Show what the last run of an operation wrote, with journalctl.

Users who are not root see it where they are in the group systemd-journal.";

/// What `nixfleet generations` does.
pub const ABOUT_GENERATIONS: &str = "\
List the generations of this host, oldest first.

current: it runs. booted: the machine was started with it. default: the next boot takes it.";

/// What `nixfleet hold` does.
pub const ABOUT_HOLD: &str = "\
Hold a commit: the agent does not deploy it.

One commit is held at a time: a new hold takes the place of the last one. A person may deploy it all the same with \
`nixfleet switch`, which ends the hold.";

/// What `nixfleet release` does.
pub const ABOUT_RELEASE: &str = "\
Allow a held commit again.

The agent may also try a commit again whose switch failed.";

/// What `nixfleet fleet` does.
pub const ABOUT_FLEET: &str = "\
Look at many hosts, and move them wave after wave.

Prometheus says which hosts there are (--prometheus URL, or NIXFLEET_PROMETHEUS_URL), or a file (--hosts-file FILE), or the \
command line. Each is moved over ssh by its own systemd, as `nixfleet --host` does it: that takes root there (--ssh-user root, \
or User in ~/.ssh/config), or a rule of polkit. Nothing is remembered of it: what a host still needs is seen in its states, so \
the same command goes on where the last one ended.";

/// What `nixfleet fleet status` does.
pub const ABOUT_FLEET_STATUS: &str = "\
Show the five compartments of every host, worst first.

From Prometheus, or, where none is named, from the hosts themselves over ssh. A host that is down shows its agent as \
unknown. Hosts that run another commit than most do are marked with `!`.";

/// What `nixfleet fleet pull` does.
pub const ABOUT_FLEET_PULL: &str = "\
Pull on many hosts at once.

Changes what the hosts may switch to, and nothing that runs. Hosts that cannot be reached are told and skipped.";

/// What `nixfleet fleet switch` does.
pub const ABOUT_FLEET_SWITCH: &str = "\
Switch many hosts, wave after wave, each until its tests are green.

Hosts that run what they should, with green tests, are skipped. The next wave begins only when all hosts of the last one are \
good; more than --max-failures that are not end it. Ctrl-C begins nothing more; what runs goes on there.";

/// What `nixfleet fleet test` does.
pub const ABOUT_FLEET_TEST: &str = "Run the tests of many hosts at once.";

/// What `nixfleet fleet rollback` does.
pub const ABOUT_FLEET_ROLLBACK: &str = "\
Take many hosts back to their previous generation.

The commit that a host steps back from is held there. Run twice it goes back twice: name the hosts, or filter by \
--revision.";

/// What `nixfleet fleet update` does.
pub const ABOUT_FLEET_UPDATE: &str = "\
Pull everywhere, then switch wave after wave.

The same as `nixfleet fleet pull` and then `nixfleet fleet switch`. It merges nothing: what is deployed is what the tracked \
branch has.";

/// What `nixfleet pr` does.
pub const ABOUT_PR: &str = "\
Look at, merge and take back pull requests that update flake.lock.

On a host it is about the remote that the host follows; with --repo PATH about that of any checkout, on a machine without \
nixfleet, too. The remote has to be on GitHub; `pr revert --commit --push` works with any.";

/// What `nixfleet pr merge` does.
pub const ABOUT_PR_MERGE: &str = "\
Merge one pull request, after a question.

Shows what it changes and which hosts turn yellow, and asks. What is merged is exactly what was shown: GitHub refuses where the \
branch has changed meanwhile. Refused: drafts, conflicts, and, unless allowed by name, checks that failed or are not done, other \
files than flake.lock, and branches of other repositories. One that is merged already is a success. No host is switched by it. \
It is recorded in the audit log: /var/lib/nixfleet/audit.jsonl, or ~/.local/state/nixfleet/audit.jsonl.";

/// What `nixfleet pr revert` does.
pub const ABOUT_PR_REVERT: &str = "\
Take a merged pull request, or a commit, back.

Opens a pull request that reverts it; merging that is a decision of its own. With --push it makes a commit that reverts it, on top \
of the branch, and pushes it forward only, with the user's own git, credentials and signing key; the checkout's files and branches \
stay as they are. Conflicts are refused. It is recorded in the audit log, as a merge is.";

const EXAMPLES: [(&str, &[(&str, &str)]); 22] = [
    (
        "fleet",
        &[
            ("nixfleet fleet status", "all hosts of $NIXFLEET_PROMETHEUS_URL"),
            ("nixfleet fleet update --ssh-user root --dry-run", "what an update would do"),
        ],
    ),
    (
        "fleet-status",
        &[
            ("nixfleet fleet status --prometheus http://p:9090", "all hosts that Prometheus scrapes"),
            ("nixfleet fleet status --hosts-file hosts", "asked over ssh"),
            ("nixfleet fleet status --state error --watch", "what is red, until it is not"),
            ("nixfleet fleet status --json | jq .majority", "for programs: docs/fleet.md has the keys"),
        ],
    ),
    (
        "fleet-pull",
        &[
            ("nixfleet fleet pull --ssh-user root", "everywhere, after a look at the plan"),
            ("nixfleet fleet pull --state git=outdated --yes", "in a script, where it is due"),
        ],
    ),
    (
        "fleet-switch",
        &[
            ("nixfleet fleet switch --wave-size 1,4,16", "one host first, then more"),
            ("nixfleet fleet switch --order stage=canary,prod", "the canaries first"),
            ("nixfleet fleet switch web1 web2 --dry-run", "what would be done with two hosts"),
        ],
    ),
    ("fleet-test", &[("nixfleet fleet test --state tests=error", "once more where they are red")]),
    (
        "fleet-rollback",
        &[
            ("nixfleet fleet rollback --revision a1b2c3d", "wherever this commit runs"),
            ("nixfleet fleet rollback --all --dry-run", "what would be done with every host"),
        ],
    ),
    ("fleet-update", &[("nixfleet fleet update --wave-size 1,10 --yes", "the weekly update, once it is merged")]),
    (
        "status",
        &[
            ("nixfleet status", "this host"),
            ("nixfleet --host web1 status", "another host, over ssh"),
            ("nixfleet status --watch", "again every 2 seconds, until q or Ctrl-C"),
            ("nixfleet status --repo ~/nixos", "a checkout, against its upstream branch"),
            ("nixfleet status --repo . --fail-on outdated", "in a script: exit code 3 if an update is due"),
            ("nixfleet status --json | jq .compartments.git", "for programs; docs/status.md describes the keys"),
        ],
    ),
    (
        "pull",
        &[
            ("sudo nixfleet pull", "pull, and show it"),
            ("sudo nixfleet pull && sudo nixfleet switch", "the usual update"),
            ("nixfleet --host root@web1 pull", "on another host, over ssh"),
            ("sudo nixfleet pull --json | jq .result", "for programs: docs/operations.md has the keys"),
        ],
    ),
    (
        "switch",
        &[
            ("sudo nixfleet switch", "build and activate what was pulled"),
            ("nixfleet --host root@web1 switch", "on another host, over ssh"),
            ("sudo nixfleet switch --no-wait", "start it; `nixfleet logs --follow switch`"),
        ],
    ),
    ("test", &[("sudo nixfleet test", "run the tests; exit code 5 if one fails")]),
    (
        "rollback",
        &[
            ("sudo nixfleet rollback", "to the previous generation"),
            ("sudo nixfleet rollback --to 41", "to generation 41"),
        ],
    ),
    (
        "cancel",
        &[
            ("sudo nixfleet cancel", "stop whatever runs"),
            ("sudo nixfleet cancel switch", "stop the switch, nothing else"),
        ],
    ),
    (
        "logs",
        &[
            ("nixfleet logs switch", "the last switch"),
            ("nixfleet logs --follow switch", "the one that runs, as it goes on"),
        ],
    ),
    (
        "generations",
        &[
            ("nixfleet generations", "a table"),
            ("nixfleet generations --json | jq '.[] | select(.is_booted)'", "for programs"),
        ],
    ),
    ("hold", &[("sudo nixfleet hold a1b2c3d", "as `git log --oneline` shows it")]),
    ("release", &[("sudo nixfleet release a1b2c3d", "it may be deployed again")]),
    (
        "pr",
        &[
            ("nixfleet pr list --repo ~/nixos", "what waits"),
            ("GITHUB_TOKEN=$(gh auth token) nixfleet pr merge 7", "with the token of GitHub's own command"),
            ("nixfleet pr revert 7 --repo ~/nixos", "it broke something"),
        ],
    ),
    (
        "pr-list",
        &[
            ("nixfleet pr list", "of the remote that this host follows"),
            ("nixfleet pr list --repo . --json | jq '.[].number'", "for programs"),
        ],
    ),
    ("pr-show", &[("nixfleet pr show 7 --repo ~/nixos", "old and new inputs, checks, files")]),
    (
        "pr-merge",
        &[
            ("nixfleet pr merge 7 --repo ~/nixos", "shows it, and asks"),
            ("nixfleet pr merge 7 --prometheus http://p:9090", "names the hosts that turn yellow"),
            ("nixfleet pr merge 7 --repo ~/nixos --yes", "in a script"),
            ("nixfleet pr merge 7 --allow-failed-checks", "although a check failed"),
        ],
    ),
    (
        "pr-revert",
        &[
            ("nixfleet pr revert 7", "opens a pull request that takes it back"),
            ("nixfleet pr revert 7 --push --repo ~/nixos", "pushes the reverting commit"),
            ("nixfleet pr revert --commit a1b2c3d --push --repo .", "on any Git remote"),
        ],
    ),
];

/// Command lines of this subcommand with what they do.
#[must_use]
pub fn examples(subcommand: &str) -> &'static [(&'static str, &'static str)] {
    EXAMPLES.iter().find(|(name, _)| *name == subcommand).map_or(&[], |(_, examples)| *examples)
}

/// The files that matter.
pub const FILES: [(&str, &str); 4] = [
    ("/etc/nixfleet/config.json", "the configuration of this host"),
    ("/var/lib/nixfleet", "what the agent recorded; only read"),
    ("/run/nixfleet", "what the agent recorded since the last boot; only read"),
    ("~/.cache/nixfleet", "with --repo: commits of remotes, fetched for the comparison; may be deleted at any time"),
];

/// The environment variables that count.
pub const ENVIRONMENT: [(&str, &str); 7] = [
    ("NIXFLEET_PROMETHEUS_URL", "fleet, pr: the Prometheus, where --prometheus names none"),
    ("NO_COLOR", "if set and not empty: no colours, unless --color always"),
    ("CLICOLOR_FORCE", "if set and not 0: colours also where the output is not a terminal"),
    ("XDG_CACHE_HOME, HOME", "where the cache directory lies"),
    ("GH_TOKEN, GITHUB_TOKEN", "with pr: a token for GitHub, where no --token-file is given"),
    ("XDG_STATE_HOME, HOME", "with pr: where the audit log lies for who may not write to /var/lib/nixfleet"),
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

/// Examples, exit codes and files of this subcommand as a block of text.
#[must_use]
pub fn of(subcommand: &str) -> String {
    let mut text = "Examples:\n".to_owned();
    for (line, meaning) in examples(subcommand) {
        // Behind a long one nobody could tell where the command ends.
        let gap = if line.len() > 46 { "\n      " } else { " " };
        let _ = writeln!(text, "  {line:46}{gap}{meaning}");
    }
    let _ = write!(text, "\n{}", exit_codes());
    if subcommand == "status" {
        text.push_str("\n\nFiles:");
        for (path, meaning) in FILES {
            let _ = write!(text, "\n  {path:26} {meaning}");
        }
    }
    text
}

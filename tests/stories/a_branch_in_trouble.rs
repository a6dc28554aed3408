//! The tracked branch is rewritten, deleted, renamed, or the host has commits and changes of its own, on a host whose agent
//! pulls and switches by itself: nothing of anybody is lost, nothing is deployed that a person has to decide, and it goes
//! on by itself once that is done.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{AGENT, FleetHost, LIMIT};
use world::machine::{Image, Machine};

const URL: &str = "file:///srv/configuration";
const REPOSITORY: &str = "/var/lib/nixfleet/repo";
const ON: &str = r#", "agent": { "interval_seconds": 3600, "policy": { "pull": "on", "switch": "on" } }"#;

/// A host that is up to date, whose agent keeps it so.
fn automatic(machine: &Machine) -> FleetHost<'_> {
    let host = FleetHost::settled(machine);
    host.configure_remote(URL, "", ON);
    host.start_agent();
    host.wait_for("the agent lives", "GGGGG");
    host
}

fn push(host: &FleetHost<'_>, message: &str) -> String {
    host.remote.set_host("web1", &format!("  etc.\"message\" = \"{message}\";"));
    host.remote.commit(message)
}

/// git in the checkout, as its owner.
fn git(host: &FleetHost<'_>, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=Root", "-c", "user.email=root@example.org"];
    host.machine.succeed_as("nixfleet", &[&["git", "-C", REPOSITORY], &identity[..], arguments].concat())
}

/// The agent brings the host to this commit, by itself.
fn arrives(host: &FleetHost<'_>, commit: &str, what: &str) {
    host.look();
    host.machine.wait_until(&format!("{what}\n{}", host.machine.journal(AGENT)), LIMIT, || host.runs(commit));
    host.wait_for(what, "GGGGG");
}

/// The agent has looked, and leaves the decision to a person.
fn is_left_to_a_person(host: &FleetHost<'_>, words: &str) {
    let runs = host.journal_runs().len();
    let before = (host.running_system(), git(host, &["rev-parse", "HEAD"]));
    host.look();
    host.machine.wait_until(&format!("the agent says {words:?}"), LIMIT, || {
        let show = ["systemctl", "show", "--property=StatusText", "--value", AGENT];
        host.machine.succeed(&show).contains(words)
    });
    assert_eq!(host.journal_runs().len(), runs, "the agent started something: {:?}", host.journal_runs().last());
    assert_eq!((host.running_system(), git(host, &["rev-parse", "HEAD"])), before);
}

/// The agent has tried to pull, and could not.
fn agents_pull_failed(host: &FleetHost<'_>, known: usize) {
    host.machine.wait_until("the agent's pull failed", LIMIT, || {
        host.journal_runs().get(known).is_some_and(|run| run.operation == "pull" && run.results == ["failed"])
    });
    host.wait_until_idle("pull");
}

#[test]
fn it_is_rewritten() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    let reviewed = push(&host, "reviewed");
    arrives(&host, &reviewed, "an update");

    // Somebody pushes with force: the commit that runs is on the branch no more.
    host.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let rewritten = push(&host, "rewritten");
    is_left_to_a_person(&host, "diverged");
    host.see("a forced push", "GYGGG");
    let reason = host.reason("git");
    assert!(reason.contains("diverged"), "{reason}");
    let said = host.must_fail("pull");
    assert!(said.contains("has diverged from") && said.contains("allow rewritten branches"), "{said}");
    host.row(28);
    assert!(host.runs(&reviewed) && git(&host, &["rev-parse", "HEAD"]) == reviewed, "it stays with what was reviewed");

    // Taken where the configuration allows it, and only then.
    host.configure_remote(URL, r#", "allow_rewritten_branch": true"#, ON);
    host.must("pull");
    arrives(&host, &rewritten, "the rewritten branch, allowed");

    // Back to an older commit: never deployed by itself.
    host.configure_remote(URL, "", ON);
    host.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    host.look();
    host.see("the remote is older than the host", "GYGGG");
    host.must("pull");
    assert_eq!(git(&host, &["rev-parse", "HEAD"]), rewritten, "forward only");
    assert!(host.runs(&rewritten));
}

#[test]
fn it_is_renamed_and_deleted() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    let past_grace = format!(r#"{ON}, "remote": {{ "grace_tries": 2, "grace_seconds": 0 }}"#);

    host.remote.git(&["branch", "--move", "main", "trunk"]);
    host.look();
    host.see("for a while the last good answer stands", "GGGGG");
    let said = host.must_fail("pull");
    assert!(said.contains(r#"has no branch "main""#) && said.contains("trunk"), "{said}");
    host.see("a pull that failed", "GGGGG");
    host.configure_remote(URL, "", &past_grace);
    host.look();
    host.row(24);
    let reason = host.reason("git");
    assert!(reason.contains(r#"has no branch "main""#) && reason.contains("it has trunk"), "{reason}");

    // Back under its name, with a commit more.
    host.remote.git(&["branch", "--move", "trunk", "main"]);
    let commit = push(&host, "back again");
    // After a pull that failed the agent waits some minutes; a person does not.
    host.must("pull");
    arrives(&host, &commit, "the branch is back");

    // The whole repository is made anew: no commit in common.
    machine.shell("rm -rf /srv/configuration/.git");
    host.remote.git(&["init", "--quiet", "--initial-branch=main"]);
    is_left_to_a_person(&host, "cannot be read");
    host.row(24);
    assert!(host.reason("git").contains("has no branch yet"), "{}", host.reason("git"));
    let anew = push(&host, "a new beginning");
    is_left_to_a_person(&host, "diverged");
    assert!(host.must_fail("pull").contains("has diverged from"));
    assert!(!host.runs(&anew) && host.runs(&commit));
    host.see("another history", "GYGGG");
    // The way out that the sentence names.
    git(&host, &["fetch", "--quiet", "/srv/configuration", "main"]);
    git(&host, &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    host.look();
    host.machine.wait_until("the agent says why", LIMIT, || {
        let show = ["systemctl", "show", "--property=StatusText", "--value", AGENT];
        machine.succeed(&show).contains("a person decides")
    });
    host.must("switch");
    host.wait_for("a person decided", "GGGGG");
    assert!(host.runs(&anew));
}

#[test]
fn the_checkout_has_changes_of_its_own() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = automatic(&machine);
    let file = format!("{REPOSITORY}/hosts/web1/default.nix");

    // Edited, not committed, and the same file changes on the remote.
    machine.shell(&format!("echo '# mine' >>{file}"));
    let commit = push(&host, "one");
    let known = host.journal_runs().len();
    host.look_once();
    agents_pull_failed(&host, known);
    host.row(28);
    let reason = host.reason("git");
    assert!(reason.contains("local changes") && reason.contains("hosts/web1/default.nix"), "{reason}");
    assert!(machine.read(&file).ends_with("# mine\n"));
    git(&host, &["restore", "."]);
    // The agent would try again in some minutes; a person does not wait.
    host.must("pull");
    arrives(&host, &commit, "the change is gone");

    // A file that git does not know, where the remote brings one.
    machine.shell(&format!("echo mine >{REPOSITORY}/notes && chown nixfleet: {REPOSITORY}/notes"));
    host.remote.write("notes", "theirs\n");
    let commit = push(&host, "two");
    let known = host.journal_runs().len();
    host.look_once();
    agents_pull_failed(&host, known);
    assert_eq!(machine.read(format!("{REPOSITORY}/notes")), "mine\n");
    host.row(28);
    machine.succeed(&["rm", &format!("{REPOSITORY}/notes")]);
    host.must("pull");
    arrives(&host, &commit, "the file is gone");
    assert_eq!(machine.read(format!("{REPOSITORY}/notes")), "theirs\n");

    // A commit of the host's own is never deployed by itself, and never lost.
    machine.shell(&format!("echo '# mine' >>{file}"));
    git(&host, &["commit", "--quiet", "--all", "--message", "of the host"]);
    is_left_to_a_person(&host, "a person decides");
    host.see("a local commit that is not deployed", "GYGYG");
    let own = git(&host, &["rev-parse", "HEAD"]);
    push(&host, "three");
    is_left_to_a_person(&host, "diverged");
    assert!(host.must_fail("pull").contains("has diverged from"));
    assert_eq!(git(&host, &["rev-parse", "HEAD"]), own);
    // A person takes it to the remote.
    git(&host, &["pull", "--quiet", "--rebase", "-X", "theirs", "/srv/configuration", "main"]);
    host.remote.git(&["pull", "--quiet", "--ff-only", REPOSITORY, "main"]);
    let both = host.remote.git(&["rev-parse", "HEAD"]);
    arrives(&host, &both, "it was reviewed and pushed");

    // On another branch, and on none.
    git(&host, &["checkout", "--quiet", "-b", "experiment"]);
    let commit = push(&host, "four");
    let known = host.journal_runs().len();
    host.look_once();
    agents_pull_failed(&host, known);
    assert!(host.reason("git").contains("experiment"), "{}", host.reason("git"));
    git(&host, &["checkout", "--quiet", "--detach"]);
    assert!(host.must_fail("pull").contains("no branch"));
    host.row(28);
    git(&host, &["checkout", "--quiet", "main"]);
    host.must("pull");
    arrives(&host, &commit, "on the tracked branch again");
}

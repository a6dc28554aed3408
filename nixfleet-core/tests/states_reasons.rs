//! What people read: for each scenario the reason, the suggested step, and since when it holds.

use std::time::Duration;

use nixfleet_core::infer;
use nixfleet_core::model::{Action, Compartment};
use nixfleet_core::observation::{BoundedCount, IndividualTestResult, OperationResult, Reading, TestsSetup};
use world::scenario::{Host, before, now, revision};

use Action::{
    CheckAgent, CheckConfiguration, CheckRemote, MergePullRequest, Pull, Push, Reboot, Reconcile, Rollback, RunTests,
    Switch, ViewLogs, Wait,
};
use Compartment::{Agent, Git, Lock, System, Tests};
use OperationResult::{Failed, Interrupted, Killed, Lost, Stopped, Success, TimedOut};

/// What is expected: the reason, the action, and how many minutes ago the state began.
type Row = (Compartment, &'static str, Host, &'static str, Option<Action>, Option<u64>);

#[track_caller]
fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for (compartment, scenario, host, reason, action, minutes) in rows {
        let status = infer(&host.0, now());
        let status = status.compartments.get(compartment);
        let found = (status.reason.as_str(), status.action, status.since);
        let expected = (reason, action, minutes.map(before));
        if found != expected {
            wrong.push(format!("{compartment}, {scenario}:\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[rustfmt::skip]
/// Without a checkout.
fn only_looks(mut host: Host) -> Host {
    host.0.repository = Reading::Absent;
    host.0.local_lock = Reading::Absent;
    host.0.divergence = None;
    host
}

#[test]
fn agent() {
    let base = Host::base;
    let deadline = base().0.settings.heartbeat_deadline;
    let mut unreadable = base();
    unreadable.0.agent.heartbeat = Reading::Unreadable("agent.json is empty".into());
    let mut not_observed = base();
    not_observed.0.agent.heartbeat = Reading::NotObserved;
    let pulled_agent = || base().remote_has_newer_commit().agent_revisions('1', '2');
    check(vec![
        (Agent, "as it should be", base(), "0.1.0", None, Some(700)),
        (Agent, "its commit is known", base().agent_revisions('1', '1'), "0.1.0 (1111111)", None, Some(700)),
        (Agent, "never seen", Host::fresh(), "no sign of life from nixfleet-agent yet", Some(CheckAgent), None),
        (Agent, "unreadable", unreadable, "agent.json is empty", Some(CheckAgent), None),
        (Agent, "not observed", not_observed, "not observed: only a repository is looked at", None, None),
        (Agent, "silent", base().agent_silent(), "silent for 30 min", Some(CheckAgent), Some(27)),
        (Agent, "at the deadline", base().heartbeat_at(now() - deadline), "0.1.0", None, Some(700)),
        (
            Agent,
            "a minute past it",
            base().heartbeat_at(now() - deadline - Duration::from_mins(1)),
            "silent for 4 min",
            Some(CheckAgent),
            Some(1),
        ),
        (Agent, "a little in the future", base().heartbeat_at(now() + deadline), "0.1.0", None, Some(700)),
        (
            Agent,
            "far in the future",
            base().heartbeat_at(now() + Duration::from_hours(1)),
            "its last sign of life lies 60 min in the future: the clock was set back",
            Some(CheckAgent),
            None,
        ),
        (
            Agent,
            "another version",
            base().agent_version_differs(),
            "runs version 0.0.9, this host has version 0.1.0: it restarts itself once no operation runs, else restart \
             nixfleet-agent",
            Some(CheckAgent),
            None,
        ),
        (
            Agent,
            "another commit, not pulled",
            pulled_agent(),
            "runs 1111111, the tracked flake.lock pins 2222222: pull and switch",
            Some(Pull),
            None,
        ),
        (
            Agent,
            "another commit, pulled",
            pulled_agent().pulled(),
            "runs 1111111, the tracked flake.lock pins 2222222: switch",
            Some(Switch),
            None,
        ),
        (
            Agent,
            "the commit decides, not the version",
            base().agent_version_differs().agent_revisions('1', '1'),
            "0.0.9 (1111111)",
            None,
            Some(700),
        ),
    ]);
}

#[rustfmt::skip]
#[test]
fn git() {
    let base = Host::base;
    let newer = || base().remote_has_newer_commit();
    let exactly = BoundedCount::exactly;
    let more_than = |count| BoundedCount { count, at_least: true };
    let mut long_running = base().pull_running();
    long_running.0.operations.pull.running.as_mut().unwrap().started_at = now();
    let mut never_read = base();
    never_read.0.remote.last_good = None;
    never_read.0.remote.last_attempt = None;
    let mut not_configured = never_read.clone();
    not_configured.0.remote.url = None;
    let mut never_answered = base().remote_fails(2, 3);
    never_answered.0.remote.last_good = None;
    let mut unreadable = base();
    unreadable.0.repository = Reading::Unreadable("HEAD cannot be read".into());
    let mut no_commit = base();
    if let Reading::Present(repository) = &mut no_commit.0.repository { repository.head = None; }
    no_commit.0.divergence = None;
    let mut unknown_distance = newer();
    unknown_distance.0.divergence = None;
    let mut pull_with_detail = newer().pull_failed();
    pull_with_detail.0.operations.pull.last.as_mut().unwrap().detail = Some("local changes in flake.nix".into());
    let mut failed_once = base().remote_fails(1, 40);
    failed_once.0.settings.remote_grace_tries = 1;
    check(vec![
        (Git, "equal", base(), "at aaaaaaa: web1: open port 443", None, Some(790)),
        (Git, "equal, never observed", never_read.clone(), "the remote was not read yet", Some(CheckRemote), None),
        (Git, "no remote", not_configured,
            "no remote is configured: give the branch an upstream, or name the remote", Some(CheckConfiguration), None),
        (Git, "fails from the start", never_answered,
            "the remote could not be read yet: cannot connect to example.org: check the network", Some(CheckRemote), None),
        (Git, "remote.json unreadable", base().remote_unreadable_record(), "remote.json is empty", Some(CheckAgent), None),
        (Git, "no repository", Host::fresh(), "no local repository yet: the first pull clones it", Some(Pull), None),
        (Git, "no repository, the remote is known", only_looks(base()),
            "no local repository yet: the first pull clones it; main is at aaaaaaa: web1: open port 443", Some(Pull), None),
        (Git, "no repository, the remote fails", only_looks(base().remote_fails(1, 5)),
            "no local repository yet: the first pull clones it; main is at aaaaaaa: web1: open port 443; last read 5 min ago, \
             the last try failed: cannot connect to example.org: check the network", Some(Pull), None),
        (Git, "unreadable repository", unreadable, "HEAD cannot be read", Some(CheckConfiguration), None),
        (Git, "a clone without a commit", no_commit, "no commit yet, main is at aaaaaaa: web1: open port 443", Some(Pull), Some(790)),
        (Git, "pull runs", base().pull_running(), "pull has been running for 60 s", Some(Wait), Some(1)),
        (Git, "pull starts", long_running, "pull has just started", Some(Wait), Some(0)),
        (Git, "behind", newer(), "1 commit behind bbbbbbb: flake.lock: update", Some(Pull), Some(20)),
        (Git, "behind by two", newer().divergence(exactly(0), exactly(2)), "2 commits behind bbbbbbb: flake.lock: update", Some(Pull), Some(20)),
        (Git, "ahead", base().local_commit(), "1 commit ahead of aaaaaaa: web1: open port 443", Some(Push), None),
        (Git, "diverged", newer().divergence(exactly(1), exactly(2)),
            "diverged from bbbbbbb: 1 ahead, 2 behind: flake.lock: update", Some(Reconcile), None),
        (Git, "far behind", newer().divergence(more_than(0), more_than(1000)),
            "1000+ commits behind bbbbbbb: flake.lock: update", Some(Pull), Some(20)),
        (Git, "far ahead", newer().divergence(more_than(1000), more_than(0)),
            "1000+ commits ahead of bbbbbbb: flake.lock: update", Some(Push), None),
        (Git, "too far", newer().divergence(more_than(0), more_than(0)), "aaaaaaa is far from bbbbbbb: flake.lock: update", Some(Pull), Some(20)),
        (Git, "not known how far", unknown_distance, "aaaaaaa is not bbbbbbb: flake.lock: update", Some(Pull), Some(20)),
        (Git, "pulled", newer().pulled(), "at bbbbbbb: flake.lock: update", None, Some(4)),
        (Git, "pulled by hand", { let mut host = newer().pulled(); host.0.operations.pulled = None; host },
            "at bbbbbbb: flake.lock: update", None, Some(20)),
        (Git, "pulled, nothing new", base().pulled(), "at aaaaaaa: web1: open port 443", None, Some(790)),
        (Git, "one change", base().uncommitted(1), "at aaaaaaa: web1: open port 443; 1 uncommitted change", None, Some(790)),
        (Git, "two changes", base().uncommitted(2), "at aaaaaaa: web1: open port 443; 2 uncommitted changes", None, Some(790)),
        (Git, "another branch", base().on_branch(Some("try")), "at aaaaaaa: web1: open port 443; on branch try, tracked is main", None, Some(790)),
        (Git, "detached HEAD", base().on_branch(None), "at aaaaaaa: web1: open port 443; HEAD is on no branch, tracked is main", None, Some(790)),
        (Git, "pull failed", pull_with_detail,
            "1 commit behind bbbbbbb: flake.lock: update; pull failed 4 min ago: local changes in flake.nix", Some(Pull), Some(20)),
        (Git, "a failed pull of what is here", base().pull_failed(), "at aaaaaaa: web1: open port 443", None, Some(790)),
        (Git, "within grace", base().remote_fails(2, 40),
            "at aaaaaaa: web1: open port 443; last read 40 min ago, the last try failed: cannot connect to example.org: \
             check the network", None, Some(790)),
        (Git, "enough tries, too short", base().remote_fails(3, 14),
            "at aaaaaaa: web1: open port 443; last read 14 min ago, the last try failed: cannot connect to example.org: \
             check the network", None, Some(790)),
        (Git, "just past grace", base().remote_fails(3, 15),
            "remote unreadable for 15 min (3 tries): cannot connect to example.org: check the network", Some(CheckRemote), Some(15)),
        (Git, "one try is enough here", failed_once,
            "remote unreadable: cannot connect to example.org: check the network", Some(CheckRemote), Some(40)),
    ]);
}

#[rustfmt::skip]
#[test]
fn lock() {
    let base = Host::base;
    let mut unreadable = base();
    unreadable.0.local_lock = Reading::Unreadable("it is not a file".into());
    let mut never_read = base();
    never_read.0.remote.last_good = None;
    never_read.0.remote.last_attempt = None;
    let mut both = base().remote_without_lock().local_lock_missing();
    both.0.divergence = None;
    let mut broken_remote = base().remote_gets('b', Some("b"));
    broken_remote.0.remote.last_good.as_mut().unwrap().lock.as_mut().unwrap().problem = Some("flake.lock is empty".into());
    let mut two_open = base().pull_request_opened();
    let open = &mut two_open.0.pull_requests.last_good.as_mut().unwrap().open;
    open.push(open[0].clone());
    open[1].number = 5;
    open[1].opened_at = before(200);
    let mut never_listed = base().pull_requests_unreadable();
    never_listed.0.pull_requests.last_good = None;
    let mut many = base();
    let inputs = |host: &mut Host| match &mut host.0.local_lock {
        Reading::Present(lock) => { lock.inputs = (0..6).map(|number| { let mut input = lock.inputs[0].clone(); input.name = format!("i{number}"); input }).collect(); }
        _ => unreachable!(),
    };
    inputs(&mut many);
    let mut many_differ = base().remote_has_newer_commit();
    inputs(&mut many_differ);
    if let Reading::Present(lock) = &mut many_differ.0.local_lock { lock.sha256 = nixfleet_core::Sha256::of(b"six"); }
    let mut local_commit = base().local_commit().local_lock_edited();
    local_commit.0.divergence = Some(nixfleet_core::observation::Divergence { ahead: BoundedCount::exactly(1), behind: BoundedCount::exactly(0) });
    check(vec![
        (Lock, "equal", base(), "equal to the remote: 1 input", None, Some(790)),
        (Lock, "equal, several", many, "equal to the remote: 6 inputs", None, Some(790)),
        (Lock, "equal, not understood", base().local_lock_broken(), "equal to the remote; flake.lock is empty", None, Some(790)),
        (Lock, "no repository", Host::fresh(), "no local repository yet: the first pull clones it", Some(Pull), None),
        (Lock, "no repository, the remote is known", only_looks(base()),
            "no local repository yet: the first pull clones it; the remote's pins 1 input", Some(Pull), None),
        (Lock, "missing here", base().local_lock_missing(),
            "no flake.lock in the local repository, the remote has one: pull, or bring it back with `git restore flake.lock`", Some(Pull), None),
        (Lock, "missing everywhere", both,
            "no flake.lock in the local repository: run `nix flake lock` and commit it", Some(CheckConfiguration), None),
        (Lock, "missing on the remote", base().remote_without_lock(), "bbbbbbb at main of the remote has no flake.lock", Some(CheckRemote), Some(20)),
        (Lock, "unreadable", unreadable, "it is not a file", Some(CheckConfiguration), None),
        (Lock, "remote never read", never_read, "the remote was not read yet", Some(CheckRemote), None),
        (Lock, "remote.json unreadable", base().remote_unreadable_record(), "remote.json is empty", Some(CheckAgent), None),
        (Lock, "past grace", base().remote_fails(3, 15),
            "remote unreadable for 15 min (3 tries): cannot connect to example.org: check the network", Some(CheckRemote), Some(15)),
        (Lock, "edited, not committed", base().local_lock_edited(),
            "differs from the remote by a change that is not committed (commit and push it, or `git restore flake.lock`): \
             nixpkgs has other content", Some(Push), None),
        (Lock, "edited and committed", local_commit, "differs from the remote: nixpkgs has other content", Some(Push), None),
        (Lock, "behind", base().pull_request_merged(), "differs from the remote: nixpkgs has other content", Some(Pull), Some(20)),
        (Lock, "many inputs differ", many_differ, "differs from the remote: removed i0, removed i1, removed i2, removed i3 and 3 more", Some(Pull), Some(790)),
        (Lock, "behind, local one not understood", base().pull_request_merged().local_lock_broken(),
            "differs from the remote; flake.lock is empty", Some(Pull), Some(20)),
        (Lock, "behind, remote one not understood", broken_remote,
            "differs from the remote; on the remote flake.lock is empty", Some(Pull), Some(20)),
        (Lock, "pulled", base().pull_request_merged().pulled(), "equal to the remote: 1 input", None, Some(4)),
        (Lock, "pulled something else", base().remote_has_newer_commit().pulled(), "equal to the remote: 1 input", None, Some(790)),
        (Lock, "a request is open", base().pull_request_opened(),
            "PR #7 pending: flake.lock: update (https://example.org/fleet/pull/7)", Some(MergePullRequest { number: 7 }), Some(90)),
        (Lock, "two are open", two_open,
            "PR #7 and 1 more pending: flake.lock: update (https://example.org/fleet/pull/7)", Some(MergePullRequest { number: 7 }), Some(200)),
        (Lock, "an old list", base().pull_requests_unreadable(),
            "equal to the remote: 1 input; pull requests last read 5 min ago: the forge answered 502", None, Some(790)),
        (Lock, "no list", never_listed,
            "equal to the remote: 1 input; pull requests could not be read: the forge answered 502", None, Some(790)),
    ]);
}

#[rustfmt::skip]
#[test]
fn system() {
    let base = Host::base;
    let newer = || base().remote_has_newer_commit().pulled();
    let mut for_next_boot = newer().switched_for_next_boot();
    for_next_boot.0.system.generations = Reading::NotObserved;
    let failed = || newer().switch_ends(Failed);
    let no_generation = || { let mut host = base().rolled_back(); host.0.operations.held.as_mut().unwrap().generation = None; host };
    let mut reboot = base();
    reboot.0.system.reboot_required = Some(true);
    let mut not_nixos = base();
    not_nixos.0.system.running = Reading::Absent;
    let mut unreadable = base();
    unreadable.0.system.running = Reading::Unreadable("/run/current-system is a file".into());
    let mut not_observed = base();
    not_observed.0.system.running = Reading::NotObserved;
    let mut no_repository = base();
    no_repository.0.repository = Reading::Absent;
    let mut unreadable_repository = base();
    unreadable_repository.0.repository = Reading::Unreadable("HEAD cannot be read".into());
    let mut detailed = failed();
    let last = detailed.0.operations.switch.last.as_mut().unwrap();
    last.phase = Some(nixfleet_core::observation::Phase::Activation);
    last.exit_code = Some(4);
    last.detail = Some("nginx.service failed".into());
    let mut just_failed = failed();
    just_failed.0.operations.switch.last.as_mut().unwrap().ended_at = Some(now());
    let mut no_phase = newer().switch_running();
    no_phase.0.operations.switch.running.as_mut().unwrap().phase = None;
    let mut interrupted = newer().switched().switch_ends(Interrupted);
    let last = interrupted.0.operations.switch.last.as_mut().unwrap();
    (last.ended_at, last.store_path, last.exit_code) = (None, None, None);
    let mut pulled_again = newer();
    pulled_again.0.operations.pull.last.as_mut().unwrap().ended_at = Some(before(1));
    check(vec![
        (System, "current", base(), "aaaaaaa runs", None, Some(600)),
        (System, "a reboot is due", reboot, "aaaaaaa runs; reboot required", None, Some(600)),
        (System, "journal unreadable", base().journal_unreadable(), "aaaaaaa runs; cannot read the journal", None, Some(600)),
        (System, "pulled", newer(), "aaaaaaa runs, the repository is at bbbbbbb", Some(Switch), Some(4)),
        (System, "pulled, then a pull without anything new", pulled_again, "aaaaaaa runs, the repository is at bbbbbbb", Some(Switch), Some(4)),
        (System, "a local commit", base().local_commit(), "aaaaaaa runs, the repository is at ccccccc", Some(Switch), None),
        (System, "switch runs", newer().switch_running(), "switch has been running for 60 s: build", Some(Wait), Some(1)),
        (System, "switch runs, nothing more is known", no_phase, "switch has been running for 60 s", Some(Wait), Some(1)),
        (System, "rollback runs", newer().rollback_running(), "rollback has been running for 60 s: activation", Some(Wait), Some(1)),
        (System, "both at once", newer().switch_running().rollback_running(), "rollback has been running for 60 s: activation", Some(Wait), Some(1)),
        (System, "switched", newer().switched(), "bbbbbbb runs", None, Some(4)),
        (System, "switch failed", detailed, "switch failed in activation (exit 4) 4 min ago: nginx.service failed", Some(ViewLogs), Some(4)),
        (System, "switch failed this second", just_failed, "switch failed (exit 1) just now", Some(ViewLogs), Some(0)),
        (System, "switch stopped", newer().switch_ends(Stopped), "switch was stopped (exit 1) 4 min ago", Some(ViewLogs), Some(4)),
        (System, "switch timed out", newer().switch_ends(TimedOut), "switch timed out (exit 1) 4 min ago", Some(Switch), Some(4)),
        (System, "switch killed", newer().switch_ends(Killed), "switch was killed (exit 1) 4 min ago", Some(Switch), Some(4)),
        (System, "switch lost", newer().switch_ends(Lost), "switch ended without a result (exit 1) 4 min ago", Some(Switch), Some(4)),
        (System, "result lost, the new system runs", interrupted,
            "switch was interrupted by the machine going down 4 min ago", Some(Switch), Some(4)),
        (System, "rollback failed", base().rollback_failed(), "rollback failed (exit 1) 4 min ago", Some(ViewLogs), Some(4)),
        (System, "rollback lost", base().rollback_ends(Interrupted),
            "rollback was interrupted by the machine going down (exit 1) 4 min ago", Some(Rollback), Some(4)),
        (System, "repaired by hand", failed().switched_by_hand('b'), "bbbbbbb runs", None, None),
        (System, "repaired by hand, in a generation", failed().switched_by_hand('b').generation_made(2), "bbbbbbb runs", None, Some(2)),
        (System, "not repaired by hand", failed().switched_by_hand('f'), "switch failed (exit 1) 4 min ago", Some(ViewLogs), Some(4)),
        (System, "rolled back", base().rolled_back(), "rolled back to generation 40; aaaaaaa is held", None, Some(4)),
        (System, "rolled back, number not known", no_generation(), "aaaaaaa is held: it is not deployed by itself", None, Some(4)),
        (System, "rolled back to a system that says no commit", base().rolled_back_without_revision(),
            "rolled back to generation 40; aaaaaaa is held", None, Some(4)),
        (System, "held by a person before it runs", newer().held_by_a_person(),
            "bbbbbbb is held: it is not deployed by itself", None, Some(8)),
        (System, "held while it runs", base().held_by_a_person(), "aaaaaaa runs", None, Some(600)),
        (System, "rolled back, then switched by hand", base().rolled_back().switched_by_hand('f'),
            "changed outside of nixfleet: fffffff runs, 9999999 was deployed", Some(Switch), None),
        (System, "rolled back, then the held one by hand", base().rolled_back().switched_by_hand('a'), "aaaaaaa runs", None, None),
        (System, "by hand", base().switched_by_hand('f').generation_made(30),
            "changed outside of nixfleet: fffffff runs, aaaaaaa was deployed", Some(Switch), Some(30)),
        (System, "by hand to an older generation", base().switched_by_hand('f').generation_made(900),
            "changed outside of nixfleet: fffffff runs, aaaaaaa was deployed", Some(Switch), None),
        (System, "by hand to a generation as old as the deployment", base().switched_by_hand('f').generation_made(600),
            "changed outside of nixfleet: fffffff runs, aaaaaaa was deployed", Some(Switch), None),
        (System, "by hand, the same commit built otherwise", newer().switched_by_hand('a'),
            "changed outside of nixfleet: another system runs than the one deployed last", Some(Switch), None),
        (System, "by hand and back", base().switched_by_hand('f').switched_back_by_hand(), "aaaaaaa runs", None, Some(600)),
        (System, "for the next boot", newer().switched_for_next_boot(),
            "bbbbbbb starts at the next boot (generation 42)", Some(Reboot), Some(4)),
        (System, "for the next boot, the generations are not known", for_next_boot, "bbbbbbb starts at the next boot", Some(Reboot), Some(4)),
        (System, "for the next boot, which came", newer().switched_for_next_boot().switched_back_by_hand(), "bbbbbbb runs", None, Some(4)),
        (System, "for the next boot, another is the default by now", newer().switched_for_next_boot().generation_made(2),
            "changed outside of nixfleet: aaaaaaa runs, bbbbbbb was deployed", Some(Switch), Some(2)),
        (System, "for the next boot, another by hand", newer().switched_for_next_boot().switched_by_hand('f'),
            "changed outside of nixfleet: fffffff runs, bbbbbbb was deployed", Some(Switch), None),
        (System, "first start", Host::first_start(None),
            "the running system does not say its revision: set system.configurationRevision, then switch", Some(Switch), None),
        (System, "first start, carries HEAD", Host::first_start(Some(revision('a'))), "aaaaaaa runs", None, Some(600)),
        (System, "first start, carries another", Host::first_start(Some(revision('d'))),
            "ddddddd runs, the repository is at aaaaaaa", Some(Switch), None),
        (System, "no NixOS", not_nixos, "no running NixOS system found (/run/current-system is missing)", Some(CheckConfiguration), None),
        (System, "unreadable", unreadable, "/run/current-system is a file", Some(CheckConfiguration), None),
        (System, "not observed", not_observed, "not observed: only a repository is looked at", None, None),
        (System, "no repository", no_repository, "no local commit to compare the running system with", Some(Pull), None),
        (System, "unreadable repository", unreadable_repository,
            "no local commit to compare the running system with", Some(CheckConfiguration), None),
    ]);
}

#[rustfmt::skip]
#[test]
fn tests() {
    use IndividualTestResult::{Passed, Skipped, TimedOut as TookTooLong};
    let base = Host::base;
    let switched = || base().remote_has_newer_commit().pulled().switched();
    let broken = IndividualTestResult::Failed;
    let never = || { let mut host = base(); host.0.last_test_run = None; host };
    let mut unknown_running = base();
    unknown_running.0.system.running = Reading::Unreadable("/run/current-system is a file".into());
    let mut unknown_tested = base();
    unknown_tested.0.last_test_run.as_mut().unwrap().store_path = None;
    let mut lost = base().tests_stopped();
    let lost_run = lost.0.last_test_run.as_mut().unwrap();
    (lost_run.result, lost_run.ended_at) = (Lost, None);
    let mut journal_only = base().tests_failed().each_test(&[]);
    let started_at = journal_only.0.last_test_run.as_ref().unwrap().started_at;
    let told = journal_only.0.operations.test.last.as_mut().unwrap();
    (told.started_at, told.detail) = (started_at, Some("1 failed: disk".into()));
    let mut of_another_run = journal_only.clone();
    of_another_run.0.operations.test.last.as_mut().unwrap().started_at = before(90);
    let mut unreadable = base().tests_are(TestsSetup::NoneFound);
    unreadable.0.repository = Reading::Unreadable("HEAD cannot be read".into());
    check(vec![
        (Tests, "passed", base(), "2 passed 3 min ago", None, Some(3)),
        (Tests, "some skipped", base().each_test(&[Passed, Skipped]), "1 passed, 1 skipped 3 min ago", None, Some(3)),
        (Tests, "all skipped", base().each_test(&[Skipped, Skipped]), "none failed 3 min ago: all 2 skipped", None, Some(3)),
        (Tests, "passed, single tests not known", base().each_test(&[]), "the run passed 3 min ago", None, Some(3)),
        (Tests, "failed", base().tests_failed(), "1 of 2 failed 3 min ago: 20-web", Some(Rollback), Some(3)),
        (Tests, "several failed", base().tests_failed().each_test(&[broken, Passed, TookTooLong]),
            "2 of 3 failed 3 min ago: test-0, test-2", Some(Rollback), Some(3)),
        (Tests, "three failed", base().tests_failed().each_test(&[broken, broken, broken]),
            "3 of 3 failed 3 min ago: test-0, test-1, test-2", Some(Rollback), Some(3)),
        (Tests, "many failed", base().tests_failed().each_test(&[broken; 5]),
            "5 of 5 failed 3 min ago: test-0, test-1, test-2 and 2 more", Some(Rollback), Some(3)),
        (Tests, "failed, known from the journal", journal_only, "the run failed 3 min ago: 1 failed: disk", Some(Rollback), Some(3)),
        (Tests, "failed, the journal tells of another run", of_another_run, "the run failed 3 min ago", Some(Rollback), Some(3)),
        (Tests, "stopped", base().tests_stopped(), "the last run was stopped 3 min ago", Some(RunTests), Some(3)),
        (Tests, "lost", lost, "the last run ended without a result 4 min ago", Some(RunTests), Some(4)),
        (Tests, "running", base().tests_running(), "the test run has been running for 60 s", Some(Wait), Some(1)),
        (Tests, "never run", never(), "tests were never run", Some(RunTests), Some(600)),
        (Tests, "switched since", switched(), "last run 3 min ago, for another system", Some(RunTests), Some(4)),
        (Tests, "switched by hand since", base().switched_by_hand('f'), "last run 3 min ago, for another system", Some(RunTests), None),
        (Tests, "switched by hand, in a generation", base().switched_by_hand('f').generation_made(2),
            "last run 3 min ago, for another system", Some(RunTests), Some(2)),
        (Tests, "the running system is not known", unknown_running,
            "/run/current-system is a file", Some(CheckConfiguration), None),
        (Tests, "the tested system is not known", unknown_tested,
            "last run 3 min ago, not known whether for the running system", Some(RunTests), None),
        (Tests, "disabled", base().tests_are(TestsSetup::Disabled), "tests are disabled in the configuration", None, None),
        (Tests, "disabled while they run", base().tests_running().tests_are(TestsSetup::Disabled),
            "tests are disabled in the configuration", None, None),
        (Tests, "none", base().tests_are(TestsSetup::NoneFound), "the configuration repository has no tests for the running system", None, None),
        (Tests, "no repository", Host::fresh(), "no tests yet: there is no local repository", None, None),
        (Tests, "unreadable repository", unreadable, "no tests found: the local repository cannot be read", None, None),
        (Tests, "not observed", base().tests_are(TestsSetup::NotObserved), "not observed: only a repository is looked at", None, None),
    ]);
    // Whoever adds a result decides what it means here.
    assert_eq!(OperationResult::ALL, [Success, Failed, Stopped, TimedOut, Killed, Interrupted, Lost]);
}

#[test]
fn no_evidence_reaches_a_terminal_as_it_is() {
    let mut host = Host::base();
    host.0.remote.last_good.as_mut().unwrap().subject = "one\ntwo \u{1b}[31m \u{202e}three".into();
    let reason = infer(&host.0, now()).compartments.git.reason;
    assert_eq!(reason, "at aaaaaaa: one two  [31m  three");
}

#[test]
fn a_state_begins_at_the_latest_now() {
    let mut host = Host::base();
    let later = now() + Duration::from_hours(1);
    host.0.operations.deployed.as_mut().unwrap().at = later;
    assert_eq!(infer(&host.0, now()).compartments.system.since, Some(now()));
}

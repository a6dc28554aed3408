//! `nixfleet status --repo` and `nixfleet-exporter --repo` on the checkout of a flake in whatever shape: Git and Lock are
//! right, the other three unknown, and not a byte of the checkout is changed.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use world::directory_content::content;
use world::example_host::open_to_all;
use world::exporter::Exporter;
use world::flake_checkout::FlakeCheckout;
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::git;
use world::git_server::ssh::SshServer;
use world::programs::{Ended, NOBODY, User, is_root, run};
use world::skipped::skipped;
use world::states::letters;

/// One row: what is done to a checkout that is equal to its remote, what Git and Lock are then, and words of the reasons.
type Row = (&'static str, fn(&mut FlakeCheckout), &'static str, &'static str);

const ROWS: [Row; 21] = [
    ("current", |_| {}, "GG", "equal to the remote: 3 inputs"),
    ("behind", |one| drop(one.remote.commit("a", "1", "one more")), "YG", "1 commit behind"),
    ("behind with another lock", |one| one.remote_is_updated(), "YY", "nixpkgs 2026-03-13 → 2026-03-20"),
    ("ahead", |one| drop(one.local.commit("a", "1", "mine")), "YG", "1 commit ahead of"),
    (
        "diverged",
        |one| {
            one.local.commit("a", "1", "mine");
            one.remote.commit("a", "2", "theirs");
        },
        "YG",
        "diverged from",
    ),
    (
        "force-pushed",
        |one| drop(one.remote.git(&["commit", "--quiet", "--amend", "-m", "rewritten"])),
        "YG",
        "1 ahead, 1 behind: rewritten",
    ),
    (
        "branch deleted",
        |one| drop(one.remote.git(&["branch", "--move", "main", "master"])),
        "RR",
        "has no branch \\\"main\\\": push it again, or configure the branch to follow (it has master)",
    ),
    (
        "a tag with the branch's name",
        |one| {
            one.local.git(&["tag", "main", "HEAD~1"]);
            one.remote.git(&["tag", "main", "HEAD~1"]);
        },
        "GG",
        "",
    ),
    (
        "unborn",
        |one| {
            one.local.git(&["checkout", "--quiet", "--orphan", "new"]);
            one.local.git(&["rm", "--quiet", "-r", "--force", "."]);
        },
        "Y-",
        "no commit yet, main is at",
    ),
    ("detached HEAD", |one| drop(one.local.git(&["checkout", "--quiet", "HEAD~1"])), "Y-", "1 commit behind"),
    (
        "HEAD in packed-refs",
        |one| {
            one.local.git(&["pack-refs", "--all"]);
            assert!(!one.path.join(".git/refs/heads/main").exists());
        },
        "GG",
        "",
    ),
    ("no upstream", |one| drop(one.local.git(&["remote", "remove", "origin"])), "--", "no remote is configured"),
    ("no upstream branch", |one| drop(one.local.git(&["branch", "--unset-upstream"])), "GG", ""),
    (
        "a branch of one's own",
        |one| drop(one.local.git(&["checkout", "--quiet", "-b", "try", "--no-track"])),
        "GG",
        "on branch try, tracked is main",
    ),
    ("index locked", |one| fs::write(one.path.join(".git/index.lock"), "").unwrap(), "GG", ""),
    ("uncommitted changes", |one| one.local.write("flake.nix", "{ }"), "GG", "1 uncommitted change"),
    ("a lock edited by hand", |one| one.local.write("flake.lock", "{}"), "GY", "1 uncommitted change"),
    ("a directory in it", |one| one.path = make(&one.path.join("modules")), "GG", ""),
    ("its .git directory", |one| one.path = one.path.join(".git"), "GG", ""),
    (
        "a linked worktree",
        |one| {
            let linked = one.local.root().join("linked");
            one.local.git(&["worktree", "add", "--quiet", "-b", "fix", linked.to_str().unwrap(), "origin/main"]);
            one.path = linked;
        },
        "GG",
        "",
    ),
    (
        "a link to it",
        |one| {
            let link = one.local.root().join("link");
            std::os::unix::fs::symlink(&one.path, &link).unwrap();
            one.path = link;
        },
        "GG",
        "",
    ),
];

fn make(directory: &Path) -> PathBuf {
    fs::create_dir(directory).unwrap();
    directory.to_owned()
}

/// Looks at the checkout, which must not be changed by that.
fn look(user: &User, one: &FlakeCheckout) -> Ended {
    let before = content(one.local.root());
    let ended = user.nixfleet(["status", "--json", "--timeout", "90", "--repo", one.path.to_str().unwrap()]);
    assert_eq!(content(one.local.root()), before, "the checkout was changed");
    assert!(!ended.said().contains("panicked"), "{ended:?}");
    ended
}

/// The letters of Git and Lock, the other three being unknown.
fn git_and_lock(what: &str, ended: &Ended) -> String {
    assert_eq!((ended.exit_code, ended.stderr.as_str()), (Some(0), ""), "{what}: {ended:?}");
    let letters = letters(&ended.status());
    assert_eq!((&letters[..1], &letters[3..]), ("-", "--"), "{what}");
    letters[1..3].to_owned()
}

#[test]
fn every_shape_of_a_checkout() {
    // Most of the time the look waits for the disk.
    std::thread::scope(|scope| {
        for rows in ROWS.chunks(6) {
            scope.spawn(|| shapes(rows));
        }
    });
}

fn shapes(rows: &[Row]) {
    let user = User::new();
    for &(what, change, states, words) in rows {
        let mut one = FlakeCheckout::new();
        change(&mut one);
        let ended = look(&user, &one);
        assert_eq!(git_and_lock(what, &ended), states, "{what}: {ended:?}");
        assert!(ended.stdout.contains(words), "{what}: no word of {words:?}: {ended:?}");
    }
}

#[test]
fn bare_and_shallow_clones() {
    let user = User::new();
    for (option, behind) in [("--bare", "YY"), ("--mirror", "YY"), ("--depth=1", "YY"), ("--filter=blob:none", "YY")] {
        let one = FlakeCheckout::cloned(&[option]);
        one.remote.git(&["config", "uploadpack.allowFilter", "true"]);
        assert_eq!(git_and_lock(option, &look(&user, &one)), "GG", "{option}");
        one.remote_is_updated();
        let ended = look(&user, &one);
        assert_eq!(git_and_lock(option, &ended), behind, "{option}: {ended:?}");
        assert!(ended.stdout.contains("1 commit behind"), "{option}: {ended:?}");
    }
}

#[test]
fn over_http_and_ssh() {
    let user = User::new();
    let check = |what: &str, one: &FlakeCheckout, command: &dyn Fn() -> Command| {
        let letters = || {
            let before = content(one.local.root());
            let path = one.path.to_str().unwrap();
            let ended = run(command().args(["status", "--json", "--timeout", "90", "--repo", path]));
            assert_eq!(content(one.local.root()), before, "{what}: the checkout was changed");
            git_and_lock(what, &ended)
        };
        assert_eq!(letters(), "GG", "{what}");
        one.remote_is_updated();
        assert_eq!(letters(), "YY", "{what}");
        one.local.git(&["pull", "--quiet", one.remote.path.to_str().unwrap()]);
        assert_eq!(letters(), "GG", "{what}");
    };
    let one = FlakeCheckout::new();
    let server = HttpServer::start(one.remote.root(), Behaviour::default());
    let one = one.with_remote_at(&server.url());
    check("http", &one, &|| user.command("nixfleet"));
    assert!(server.fetches() > 0);

    let Some(server) = SshServer::start() else { return };
    let one = FlakeCheckout::new();
    let url = server.url(&one.remote.path);
    let one = one.with_remote_at(&url);
    let ssh = world::programs::ssh_that_knows(&server);
    check("ssh", &one, &|| ssh.before_others(user.command("nixfleet")));
}

#[test]
fn somebody_elses_checkout_is_refused_with_the_way_out() {
    if !is_root() {
        skipped("only root can give a checkout to another user");
        return;
    }
    let (one, user) = (FlakeCheckout::new(), User::new());
    assert!(Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(&one.path).status().unwrap().success());
    let path = one.path.display().to_string();
    let ended = look(&user, &one);
    assert_eq!((ended.exit_code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    let way_out = format!("git config --global --add safe.directory {path}");
    assert!(ended.stderr.contains(&way_out), "{ended:?}");
    let configuration = user.home().join(".gitconfig");
    git(user.home(), &["config", "--file", configuration.to_str().unwrap(), "--add", "safe.directory", &path]);
    assert_eq!(git_and_lock("allowed", &look(&user, &one)), "GG");
}

#[test]
fn a_checkout_that_cannot_be_written() {
    let (one, user) = (FlakeCheckout::new(), User::nobody());
    one.remote_is_updated();
    for directory in [one.local.root(), one.remote.root()] {
        open_to_all(directory);
        if is_root() {
            assert!(Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(directory).status().unwrap().success());
        }
    }
    let writable =
        |who: &str| assert!(Command::new("chmod").args(["-R", who]).arg(&one.path).status().unwrap().success());
    writable("a-w");
    let ended = look(&user, &one);
    assert_eq!(git_and_lock("read-only", &ended), "YY", "{ended:?}");
    // For the temporary directory, which has to be removed.
    writable("u+w");
}

#[test]
fn what_is_no_checkout_is_said() {
    let user = User::new();
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    for (path, words) in [("", "is not a Git repository"), ("nothing", "there is no Git repository"), ("file", "file")]
    {
        let ended = user.nixfleet(["status".as_ref(), "--repo".as_ref(), directory.path().join(path).as_os_str()]);
        assert_eq!((ended.exit_code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains(words) && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    let one = FlakeCheckout::new();
    fs::set_permissions(one.path.join("flake.nix"), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(git_and_lock("a file that nobody may read", &look(&user, &one)), "GG");
}

#[test]
fn the_exporter_says_at_its_start_that_there_is_nothing() {
    let (user, directory) = (User::new(), tempfile::tempdir().unwrap());
    let nothing = directory.path().join("nothing");
    let exporter = Exporter::start(&user, ["--repo".as_ref(), nothing.as_os_str()]);
    let sentence = format!("there is no Git repository at {}: name a checkout of a flake", nothing.display());
    assert!(exporter.log().contains(&sentence), "{}", exporter.log());
    let scrape = exporter.scrape();
    assert_eq!(
        (scrape.states().as_str(), scrape.unreadable()),
        ("-----", vec!["lock".to_owned(), "repository".to_owned()]),
        "{}",
        scrape.text
    );
    assert!(exporter.get("/").text.contains(&sentence));
}

#[test]
fn the_exporter_without_a_host() {
    let (one, user) = (FlakeCheckout::new(), User::new());
    let before = content(one.local.root());
    let exporter = Exporter::start(&user, ["--repo", one.path.to_str().unwrap()]);
    let scrape = exporter.scrape_until("asked", |scrape| scrape.states() != "-----" && scrape.states() != "---GG");
    assert_eq!(scrape.states(), "-GG--", "{}", scrape.text);
    assert!(scrape.unreadable().is_empty());
    assert_eq!(scrape.value("nixfleet_remote_checks_total{result=\"success\"}"), Some(1.0));
    assert_eq!(scrape.value("nixfleet_flake_input_outdated{input=\"nixpkgs\"}"), Some(0.0));
    drop(exporter);
    one.remote_is_updated();
    let exporter = Exporter::start(&user, ["--repo", one.path.to_str().unwrap()]);
    let scrape = exporter.scrape_until("asked", |scrape| scrape.states() == "-YY--");
    assert_eq!(scrape.value("nixfleet_git_commits_behind"), Some(1.0));
    assert_eq!(content(one.local.root()), before, "the checkout was changed");
}

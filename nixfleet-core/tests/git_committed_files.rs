//! The files of one commit, whatever lies in the work tree: which of them are executable, and writing them out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly, its functions too")]

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nixfleet_core::Revision;
use nixfleet_core::git::{CommittedFiles, WriteOutBounds, WriteOutError, WrittenOut};
use nixfleet_core::observe::{TestsCommit, TestsCommitReason};
use world::git_server::repository::{TestRepository, git, git_command};

const TESTS: &str = "hosts/web1/tests";

fn executable(repository: &TestRepository, name: &str, content: &str) {
    repository.write(name, content);
    fs::set_permissions(repository.path.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

fn link(repository: &TestRepository, name: &str, target: &str) {
    fs::create_dir_all(repository.path.join(name).parent().unwrap()).unwrap();
    symlink(target, repository.path.join(name)).unwrap();
}

fn commit_all(repository: &TestRepository) -> Revision {
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message", "all"]);
    repository.head().parse().unwrap()
}

fn files_of(repository: &TestRepository, revision: &Revision) -> CommittedFiles {
    CommittedFiles::open(&repository.path, revision).unwrap().unwrap()
}

fn executables(repository: &TestRepository, revision: &Revision, directory: &str) -> Option<Vec<String>> {
    let names = files_of(repository, revision).executables(Path::new(directory)).unwrap()?;
    Some(names.into_iter().map(|name: OsString| name.into_string().unwrap()).collect())
}

/// A commit with whatever the file of a test may be.
fn with_tests() -> (TestRepository, Revision) {
    let repository = TestRepository::new();
    executable(
        &repository,
        &format!("{TESTS}/20-web"),
        "#!/bin/sh\n. \"${0%/*}/../../../lib/words\"\necho \"$word\"\n",
    );
    executable(&repository, &format!("{TESTS}/10-ssh"), "#!/bin/sh\n");
    executable(&repository, "lib/shared", "#!/bin/sh\n");
    executable(&repository, "hosts/common/30-of-all", "#!/bin/sh\n");
    repository.write("lib/words", "word=heard\n");
    repository.write(&format!("{TESTS}/README.md"), "");
    executable(&repository, &format!("{TESTS}/a-directory/40-deeper"), "#!/bin/sh\n");
    for (name, target) in [
        ("50-link", "10-ssh"),
        ("51-link-to-a-link", "50-link"),
        ("52-elsewhere", "../../../lib/shared"),
        ("53-through-a-link", "../../../to-common/30-of-all"),
        ("60-dangling", "nowhere"),
        ("61-loop", "61-loop"),
        ("62-not-executable", "../../../lib/words"),
        ("63-a-directory", "a-directory"),
        ("64-outside", "/bin/sh"),
        ("65-above", "../../../../../../../../../bin/sh"),
        ("66-above-and-back", "../../../../repository/lib/shared"),
        ("67-below-a-file", "10-ssh/x"),
        ("68-a-file-with-a-slash", "10-ssh/"),
    ] {
        link(&repository, &format!("{TESTS}/{name}"), target);
    }
    link(&repository, "to-common", "hosts/common");
    link(&repository, "hosts/web2", "web1");
    let revision = commit_all(&repository);
    (repository, revision)
}

const FOUND: [&str; 6] = ["10-ssh", "20-web", "50-link", "51-link-to-a-link", "52-elsewhere", "53-through-a-link"];

#[test]
fn executables_are_found_in_the_commit_and_links_never_lead_out_of_it() {
    let (repository, revision) = with_tests();
    let of = |directory: &str| executables(&repository, &revision, directory);
    assert_eq!(of(TESTS).unwrap(), FOUND);
    assert_eq!(of("./hosts//web1/tests").unwrap(), FOUND);
    assert_eq!(of("hosts/web2/tests").unwrap(), FOUND);
    assert_eq!(of("to-common").unwrap(), ["30-of-all"]);
    assert_eq!(of("lib").unwrap(), ["shared"]);
    assert!(of("").unwrap().is_empty());
    for missing in
        ["hosts/web3/tests", "flake.lock", "hosts/web1/tests/10-ssh", "../repository/lib", "hosts/web1/tests/61-loop"]
    {
        assert_eq!(of(missing), None, "{missing}");
    }
}

#[test]
fn the_work_tree_and_what_came_later_do_not_matter() {
    let (repository, revision) = with_tests();
    executable(&repository, &format!("{TESTS}/70-uncommitted"), "#!/bin/sh\n");
    repository.git(&["rm", "--quiet", "--force", &format!("{TESTS}/10-ssh")]);
    assert_eq!(executables(&repository, &revision, TESTS).unwrap(), FOUND);
    let later = commit_all(&repository);
    assert_eq!(executables(&repository, &revision, TESTS).unwrap(), FOUND);
    assert!(executables(&repository, &later, TESTS).unwrap().contains(&"70-uncommitted".to_owned()));

    // Nor does a damaged HEAD, or where the objects are: packed, of a bare clone, of a linked work tree.
    repository.git(&["gc", "--quiet"]);
    let bare = repository.clone(&["--bare"]);
    assert_eq!(executables(&bare, &revision, TESTS).unwrap(), FOUND);
    let linked = repository.directory.path().join("linked");
    repository.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap()]);
    assert!(CommittedFiles::open(&linked, &revision).unwrap().is_some());
    repository.write(".git/HEAD", "no reference");
    assert_eq!(executables(&repository, &revision, TESTS).unwrap(), FOUND);

    let absent: Revision = "7".repeat(40).parse().unwrap();
    assert!(CommittedFiles::open(&repository.path, &absent).unwrap().is_none());
    assert!(CommittedFiles::open(&repository.path.join("hosts"), &revision).unwrap().is_none(), "it only lies in one");
    assert!(CommittedFiles::open(Path::new("/nonexistent"), &revision).unwrap().is_none());
}

#[test]
fn a_commit_is_written_out_as_it_was_committed() {
    let (repository, _) = with_tests();
    // What Git would change on the way out is written as it is.
    repository.write(".gitattributes", "*.txt text eol=crlf\n* export-ignore\n");
    repository.write("notes.txt", "a\nb\n");
    let revision = commit_all(&repository);
    let place = tempfile::tempdir().unwrap();
    let destination = place.path().join("out");
    let files = files_of(&repository, &revision);
    let write = || files.write_out(&destination, Path::new(TESTS), WriteOutBounds::default());
    assert_eq!(write().unwrap(), WrittenOut::All);
    let mode = |name: &str| destination.join(name).symlink_metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("hosts"), mode("lib/words"), mode("lib/shared")), (0o755, 0o644, 0o755));
    assert_eq!(fs::read_to_string(destination.join("notes.txt")).unwrap(), "a\nb\n");
    assert_eq!(fs::read_link(destination.join(TESTS).join("64-outside")).unwrap(), PathBuf::from("/bin/sh"));
    let tracked = repository.git(&["ls-files"]);
    for name in tracked.lines() {
        assert!(destination.join(name).symlink_metadata().is_ok(), "{name}");
    }
    assert!(!destination.join(".git").exists());
    let output = std::process::Command::new(destination.join(TESTS).join("20-web")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "heard\n", "what lies beside a test is there");
    assert!(matches!(write(), Err(WriteOutError::Write { .. })), "never into what is there already");
}

#[test]
fn of_a_large_commit_only_the_directory_at_the_top() {
    let (repository, _) = with_tests();
    for number in 0..40 {
        repository.write(&format!("large/{number}"), &"x".repeat(1024));
    }
    let revision = commit_all(&repository);
    let files = files_of(&repository, &revision);
    let place = tempfile::tempdir().unwrap();
    let write = |to: &str, needed: &str, bounds| files.write_out(&place.path().join(to), Path::new(needed), bounds);
    let few_files = WriteOutBounds { files: 30, bytes: u64::MAX };
    let few_bytes = WriteOutBounds { files: usize::MAX, bytes: 20 * 1024 };
    for (to, bounds) in [("files", few_files), ("bytes", few_bytes)] {
        assert_eq!(write(to, TESTS, bounds).unwrap(), WrittenOut::Only("hosts".into()), "{to}");
        assert!(place.path().join(to).join(TESTS).join("10-ssh").exists());
        assert!(!place.path().join(to).join("large").exists());
    }
    for needed in ["large", "", ".", "to-common", "nowhere", "flake.lock"] {
        let error = write("none", needed, few_files).unwrap_err();
        assert!(matches!(error, WriteOutError::TooLarge { .. }), "{needed}: {error}");
        assert!(error.to_string().contains("more than 30 files"), "{error}");
        assert!(!place.path().join("none").exists());
    }
}

/// Mode, name and object of an entry.
type Entry<'a> = (&'a str, &'a str, &'a str);

/// A tree as no Git writes it.
fn hostile_tree(repository: &TestRepository, entries: &[Entry<'_>]) -> String {
    let mut tree = Vec::new();
    for (mode, name, id) in entries {
        write!(tree, "{mode} {name}\0").unwrap();
        tree.extend((0..20).map(|byte| u8::from_str_radix(&id[2 * byte..2 * byte + 2], 16).unwrap()));
    }
    hash_object(repository, &["--literally", "-t", "tree"], &tree)
}

fn hash_object(repository: &TestRepository, arguments: &[&str], content: &[u8]) -> String {
    let mut command = git_command(&repository.path);
    command.args(["hash-object", "-w", "--stdin"]).args(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_hostile_tree_writes_nothing_elsewhere() {
    let repository = TestRepository::new();
    let place = tempfile::tempdir().unwrap();
    let outside = place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let file = hash_object(&repository, &[], b"evil");
    let below = hostile_tree(&repository, &[("100755", "evil", &file)]);
    let link = hash_object(&repository, &[], outside.to_str().unwrap().as_bytes());
    let link_to_a_file = hash_object(&repository, &[], outside.join("evil").to_str().unwrap().as_bytes());
    let mut bomb = below.clone();
    for _ in 0..40 {
        bomb = hostile_tree(&repository, &[("40000", "a", &bomb), ("40000", "b", &bomb)]);
    }
    let trees: [(&str, Vec<Entry<'_>>); 8] = [
        ("a name with a slash", vec![("100755", "../outside/evil", &file)]),
        ("the directory above", vec![("40000", "..", &below)]),
        ("the directory itself", vec![("40000", ".", &below)]),
        ("a link and a directory", vec![("120000", "a", &link), ("40000", "a", &below)]),
        ("a link and a file", vec![("120000", "a", &link_to_a_file), ("100644", "a", &file)]),
        ("a directory and a link", vec![("40000", "a", &below), ("120000", "a", &link)]),
        ("an object that is missing", vec![("100644", "a", "0000000000000000000000000000000000000007")]),
        ("a bomb", vec![("40000", "a", &bomb)]),
    ];
    for (what, entries) in trees {
        let tree = hostile_tree(&repository, &entries);
        let revision = git(&repository.path, &["commit-tree", "-m", what, &tree]);
        let files = files_of(&repository, &revision.parse().unwrap());
        let destination = place.path().join("out");
        let error = files.write_out(&destination, Path::new("a"), WriteOutBounds::default()).unwrap_err();
        assert!(!error.to_string().is_empty(), "{what}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{what}: {error}");
        assert!(!place.path().join("evil").exists(), "{what}");
        let _ = fs::remove_dir_all(&destination);
    }
}

#[test]
fn the_tests_are_of_the_commit_that_runs_else_of_head_and_that_is_said() {
    let (repository, runs) = with_tests();
    let head: Revision = repository.commit("later", "", "later").parse().unwrap();
    let missing: Revision = "1".repeat(40).parse().unwrap();
    let find = |running: Option<&Revision>, head: Option<&Revision>| {
        let commit = TestsCommit::find(&repository.path, running, head).unwrap()?;
        Some((commit.files.revision().clone(), commit.why.clone(), commit.to_string()))
    };
    let (revision, why, said) = find(Some(&runs), Some(&head)).unwrap();
    assert_eq!((revision, why), (runs.clone(), TestsCommitReason::Runs));
    assert_eq!(said, format!("{}, the commit that runs", runs.short()));
    let (revision, why, said) = find(None, Some(&head)).unwrap();
    assert_eq!((revision, why), (head.clone(), TestsCommitReason::RunningUnknown));
    assert!(said.starts_with(&format!("the checkout's HEAD {}, because", head.short())), "{said}");
    let (revision, why, said) = find(Some(&missing), Some(&head)).unwrap();
    assert_eq!((revision, why), (head, TestsCommitReason::RunningMissing(missing.clone())));
    assert!(said.contains("does not have 1111111"), "{said}");
    assert_eq!(find(Some(&missing), None), None);
    assert_eq!(find(None, None), None);
}

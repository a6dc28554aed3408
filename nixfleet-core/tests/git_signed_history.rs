//! Which commits have to be signed, and which branches are not taken at all.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod signed_remote;

use nixfleet_core::git::RewrittenBranch;
use signed_remote::{ALICE, Fleet};
use world::git_server::repository::git;

#[test]
fn every_commit_counts_and_not_only_the_tip() {
    let fleet = Fleet::pulled();
    fleet.alice("one");
    let bad = fleet.unsigned("two");
    fleet.alice("three");
    let sentence = fleet.refused();
    assert!(sentence.contains(&bad[..7]) && sentence.contains("is not signed"), "{sentence}");

    // Nobody has pulled it: it is mended by signing what was not.
    let key = fleet.alice.git_options();
    fleet.signed(&key, ALICE, &["rebase", "--quiet", "--force-rebase", "HEAD~2"]);
    assert_eq!(fleet.pull().unwrap(), 3);
    assert_eq!(fleet.pull().unwrap(), 0, "nothing new");
}

#[test]
fn both_sides_of_a_merge_count() {
    let fleet = Fleet::pulled();
    fleet.branch("feature");
    let bad = fleet.unsigned("feature");
    fleet.main();
    fleet.alice("main");
    let merge = ["merge", "--quiet", "--no-ff", "--message", "merged", "feature"];
    fleet.signed(&fleet.alice.git_options(), ALICE, &merge);
    let sentence = fleet.refused();
    assert!(sentence.contains(&bad[..7]), "{sentence}");

    // Also where the forge merges it.
    fleet.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    fleet.forge_merge("feature", &[]);
    let sentence = fleet.refused();
    assert!(sentence.contains(&bad[..7]), "{sentence}");
}

#[test]
fn the_forge_merges_what_is_signed_and_adds_nothing() {
    let fleet = Fleet::pulled();
    fleet.branch("feature");
    fleet.alice("feature");
    fleet.main();
    fleet.forge_merge("feature", &[]);
    assert_eq!(fleet.pull().unwrap(), 2, "forward, with a merge commit all the same");

    fleet.branch("second");
    fleet.alice("second");
    fleet.main();
    fleet.alice("main");
    let merge = fleet.forge_merge("second", &[]);
    assert!(fleet.git_accepts(&merge));
    assert_eq!(fleet.pull().unwrap(), 3);

    // An evil one: signed by the forge, with what nobody wrote.
    fleet.branch("third");
    fleet.alice("third");
    fleet.main();
    fleet.alice("main again");
    fleet.forge_merge("third", &[]);
    let evil = fleet.amended(&fleet.openpgp.git_options(&fleet.forge), "forge@example.org", "backdoor");
    assert!(fleet.git_accepts(&evil), "git looks at the signature only");
    let sentence = fleet.refused();
    assert!(
        sentence.contains(&evil[..7]) && sentence.contains("changes more than merging its parents does"),
        "{sentence}"
    );
    // By a trusted person the same is their decision.
    fleet.amended(&fleet.alice.git_options(), ALICE, "backdoor");
    assert_eq!(fleet.pull().unwrap(), 3);
}

#[test]
fn a_merge_of_moved_files_and_one_after_another_are_clean() {
    let fleet = Fleet::pulled();
    let signed = |message: &str| {
        fleet.remote.git(&["add", "--all"]);
        fleet.signed(&fleet.alice.git_options(), ALICE, &["commit", "--quiet", "--message", message]);
    };
    let lines = (0..40).fold(String::new(), |lines, number| format!("{lines}line {number}\n"));
    fleet.remote.write("hosts/web1.nix", &lines);
    signed("a longer file");
    fleet.branch("feature");
    fleet.remote.git(&["mv", "hosts/web1.nix", "hosts/web2.nix"]);
    signed("moved");
    fleet.main();
    fleet.remote.write("hosts/web1.nix", &lines.replace("line 20\n", "line twenty\n"));
    signed("changed");
    fleet.forge_merge("feature", &[]);
    assert_eq!(fleet.pull().unwrap(), 4);
    assert!(std::fs::read_to_string(fleet.checkout.join("hosts/web2.nix")).unwrap().contains("line twenty"));

    // Two branches that merged each other have two bases.
    fleet.branch("left");
    fleet.alice("left");
    fleet.main();
    fleet.alice("right");
    fleet.remote.git(&["branch", "right"]);
    fleet.forge_merge("left", &[]);
    fleet.remote.git(&["checkout", "--quiet", "left"]);
    fleet.forge_merge("right", &[]);
    fleet.alice("more on the left");
    fleet.main();
    fleet.forge_merge("left", &[]);
    assert_eq!(fleet.pull().unwrap(), 6);
}

#[test]
fn the_forge_decides_nothing() {
    let fleet = Fleet::pulled();
    fleet.branch("feature");
    fleet.remote.write("start", "theirs");
    fleet.remote.git(&["add", "start"]);
    fleet.signed(&fleet.alice.git_options(), ALICE, &["commit", "--quiet", "--message", "theirs"]);
    fleet.main();
    fleet.remote.write("start", "ours");
    fleet.remote.git(&["add", "start"]);
    fleet.signed(&fleet.alice.git_options(), ALICE, &["commit", "--quiet", "--message", "ours"]);
    fleet.forge_merge("feature", &["--strategy-option=theirs"]);
    let sentence = fleet.refused();
    assert!(sentence.contains("cannot be merged without a decision"), "{sentence}");

    fleet.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    for name in ["a", "b"] {
        fleet.branch(name);
        fleet.alice(name);
        fleet.main();
    }
    fleet.forge_merge("a", &["b"]);
    let sentence = fleet.refused();
    assert!(sentence.contains("more than two parents"), "{sentence}");
}

#[test]
fn a_first_clone_trusts_what_a_trusted_key_vouches_for() {
    let fleet = Fleet::new();
    let sentence = fleet.refused();
    assert!(sentence.contains("is not signed"), "{sentence}");
    assert!(!fleet.checkout.exists());
    // The first commit of all is not signed, and the trusted one after it names it.
    fleet.alice("second");
    fleet.branch("feature");
    fleet.alice("feature");
    fleet.main();
    let merge = fleet.forge_merge("feature", &[]);
    assert_eq!(fleet.pull().unwrap(), 3, "the forge's merge, and the two trusted ones that it merges");
    assert_eq!(git(&fleet.checkout, &["rev-parse", "HEAD"]), merge);

    // The forge alone vouches for nothing.
    let fleet = Fleet::new();
    fleet.branch("feature");
    fleet.alice("feature");
    fleet.main();
    fleet.unsigned("main");
    fleet.forge_merge("feature", &[]);
    let sentence = fleet.refused();
    assert!(sentence.contains("(\"main\") is not signed"), "{sentence}");
    // An empty directory is a first clone, too.
    std::fs::create_dir(&fleet.checkout).unwrap();
    assert!(fleet.pull().is_err());
    fleet.alice("now signed");
    assert_eq!(fleet.pull().unwrap(), 1);
}

#[test]
fn the_branch_does_not_go_back() {
    let fleet = Fleet::pulled();
    fleet.alice("one");
    fleet.alice("two");
    fleet.pull().unwrap();
    fleet.remote.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    for rewritten in [RewrittenBranch::Refuse, RewrittenBranch::Take] {
        let sentence = fleet.refused_with(rewritten);
        assert!(sentence.contains("is older than") && sentence.contains("put the branch back"), "{sentence}");
    }
}

#[test]
fn a_rewritten_branch_is_taken_only_where_allowed_and_signed() {
    let fleet = Fleet::pulled();
    fleet.alice("one");
    fleet.pull().unwrap();
    // The same content, signed by somebody else.
    fleet.signed(&fleet.mallory.git_options(), ALICE, &["commit", "--quiet", "--amend", "--no-edit"]);
    assert!(fleet.refused().contains("does not contain"));
    let sentence = fleet.refused_with(RewrittenBranch::Take);
    assert!(sentence.contains("not trusted"), "{sentence}");
    // Signed anew by one who is trusted.
    fleet.signed(&fleet.alice.git_options(), ALICE, &["commit", "--quiet", "--amend", "--message", "one again"]);
    assert!(fleet.refused().contains("does not contain"));
    assert_eq!(fleet.pull_with(RewrittenBranch::Take).unwrap(), 1);

    // Another history, whose tip is signed and whose beginning is not.
    fleet.remote.git(&["checkout", "--quiet", "--orphan", "other"]);
    fleet.unsigned("unsigned beginning");
    fleet.alice("signed tip");
    fleet.remote.git(&["branch", "--quiet", "--force", "main", "other"]);
    assert!(fleet.refused().contains("does not contain"));
    let sentence = fleet.refused_with(RewrittenBranch::Take);
    assert!(sentence.contains("unsigned beginning"), "{sentence}");
}

#[test]
fn the_history_of_a_shallow_checkout_is_enough() {
    let fleet = Fleet::pulled();
    fleet.alice("one");
    let url = format!("file://{}", fleet.remote.path.display());
    std::fs::remove_dir_all(&fleet.checkout).unwrap();
    git(fleet.remote.root(), &["clone", "--quiet", "--depth=1", &url, "repo"]);
    fleet.alice("two");
    assert_eq!(fleet.pull().unwrap(), 1);
    fleet.unsigned("three");
    assert!(fleet.refused().contains("is not signed"));
}

/// The checkout as it is when the power goes between files and branch: the files are those of `target`, HEAD is `from`.
fn cut_off(fleet: &Fleet, from: &str, target: &str) {
    git(&fleet.checkout, &["fetch", "--quiet", fleet.remote.path.to_str().unwrap(), target]);
    git(&fleet.checkout, &["reset", "--quiet", "--hard", target]);
    git(&fleet.checkout, &["update-ref", "refs/heads/main", from]);
    git(&fleet.checkout, &["update-ref", "refs/nixfleet/pulling", target]);
}

#[test]
fn a_pull_that_was_cut_off_is_completed_only_where_it_may_be_taken() {
    let fleet = Fleet::pulled();
    let head = || git(&fleet.checkout, &["rev-parse", "HEAD"]);
    let from = head();
    // Nobody asked for signatures when it was begun, and it is gone from the remote since.
    let unsigned = fleet.unsigned("unsigned");
    cut_off(&fleet, &from, &unsigned);
    fleet.remote.git(&["reset", "--quiet", "--hard", &from]);
    for rewritten in [RewrittenBranch::Refuse, RewrittenBranch::Take] {
        let sentence = fleet.refused_with(rewritten);
        assert!(sentence.contains("a pull that was cut off had begun to bring"), "{sentence}");
        assert!(sentence.contains(&unsigned[..7]) && sentence.contains("is not signed"), "{sentence}");
        assert_eq!(head(), from);
    }
    // As the sentence says.
    git(&fleet.checkout, &["reset", "--quiet", "--hard"]);
    git(&fleet.checkout, &["update-ref", "-d", "refs/nixfleet/pulling"]);
    assert_eq!(fleet.pull().unwrap(), 0);

    // What is signed is completed, also where the remote is another one by now.
    let signed = fleet.alice("signed");
    cut_off(&fleet, &from, &signed);
    fleet.remote.git(&["reset", "--quiet", "--hard", &from]);
    let other = fleet.alice("other");
    assert_eq!(fleet.pull_with(RewrittenBranch::Take).unwrap(), 2);
    assert_eq!(head(), other);
    // It is a part of what comes: it counts once.
    let next = fleet.alice("next");
    cut_off(&fleet, &other, &next);
    let last = fleet.alice("last");
    assert_eq!(fleet.pull().unwrap(), 2);
    assert_eq!(head(), last);
}

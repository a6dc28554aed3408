//! What stands against a merge. Pure.

use nixfleet_core::config::SignaturesConfig;
use nixfleet_core::github::{ChecksState, MergeMethod, Mergeability, PullRequestState};

use super::review::Review;
use crate::arguments::Permissions;

/// Each with its way out; none where it may be merged. A merged one has none: that is a success.
pub(super) fn objections(review: &Review, permissions: Permissions) -> Vec<String> {
    let details = &review.details;
    match details.state {
        PullRequestState::Merged => return Vec::new(),
        PullRequestState::Closed => return vec!["it is closed: open it again on its page".to_owned()],
        PullRequestState::Open => {}
    }
    let mut found = Vec::new();
    if details.is_draft {
        found.push("it is a draft: mark it as ready for review on its page".to_owned());
    }
    match details.mergeability {
        Mergeability::Conflicts => found.push("it has conflicts: update its branch".to_owned()),
        Mergeability::Computing => {
            found.push("GitHub still computes whether it can be merged: try again in a moment".to_owned());
        }
        Mergeability::Clean
        | Mergeability::Unstable
        | Mergeability::Blocked
        | Mergeability::Behind
        | Mergeability::NotOpen => {}
    }
    match (&review.checks, review.checks.as_ref().map(nixfleet_core::github::Checks::state)) {
        (Some(checks), Some(ChecksState::Failed)) if !permissions.allow_failed_checks => {
            found.push(format!("checks failed ({}): fix them, or say --allow-failed-checks", checks.failed.join(", ")));
        }
        (Some(checks), Some(ChecksState::Pending)) if !permissions.allow_pending_checks => found
            .push(format!("checks are not done ({}): wait, or say --allow-pending-checks", checks.pending.join(", "))),
        (None, _) if !permissions.allow_pending_checks => {
            let why = review.checks_problem.as_deref().unwrap_or("not read");
            found.push(format!("its checks are not known ({why}): or say --allow-pending-checks"));
        }
        _ => {}
    }
    if !review.files.is_only_flake_lock() && !permissions.allow_other_files {
        found.push(format!(
            "it changes more than flake.lock ({} files): review it, and say --allow-other-files",
            details.changed_files
        ));
    }
    if details.is_from_fork && !permissions.allow_fork {
        found.push("its branch is in another repository: review it, and say --allow-fork".to_owned());
    }
    found
}

/// What this host's demand for signed commits says against it: GitHub signs what it makes with a key of its own, which
/// hosts take for merge commits only, and only where they know it.
pub(super) fn of_signatures(
    signatures: &SignaturesConfig,
    method: MergeMethod,
    permissions: Permissions,
) -> Option<String> {
    let why = if !signatures.are_required() || permissions.allow_unsigned {
        return None;
    } else if method != MergeMethod::Merge {
        "this host takes signed commits only, and those of a squash or a rebase are not signed by a key that it trusts: \
         say --method merge"
    } else if signatures.forge_keyring_file.is_none() {
        "this host takes signed commits only, and does not know the forge's key: set \
         repository.signatures.forge_keyring_file, or merge and sign it by hand"
    } else {
        return None;
    };
    Some(format!("{why}; or say --allow-unsigned"))
}

/// What this host's demand for signed commits says of a commit that reverts, where GitHub or this user makes it.
pub(super) fn of_revert(signatures: &SignaturesConfig, by_github: bool, is_signed: bool) -> Option<&'static str> {
    match (signatures.are_required(), by_github, is_signed) {
        (true, true, _) => Some(
            "this host takes signed commits only, and refuses the one that GitHub makes, merged or not: \
             with --push --repo PATH you make and sign it yourself",
        ),
        (true, false, false) => Some(
            "this host takes signed commits only, and yours are not signed: \
             set user.signingKey and `git config commit.gpgSign true`",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use nixfleet_core::github::{ChangedFiles, Checks, PullRequestDetails};

    use super::*;

    fn review() -> Review {
        Review {
            details: PullRequestDetails {
                number: 7,
                url: "https://github.com/example/fleet/pull/7".to_owned(),
                title: "flake.lock: update".to_owned(),
                author: None,
                opened_at: jiff::Timestamp::UNIX_EPOCH,
                state: PullRequestState::Open,
                is_draft: false,
                is_from_fork: false,
                base_branch: "main".to_owned(),
                base_revision: "b".repeat(40).parse().unwrap(),
                head_revision: "c".repeat(40).parse().unwrap(),
                mergeability: Mergeability::Clean,
                merge_revision: None,
                merged_at: None,
                changed_files: 1,
                commits: 1,
                labels: Vec::new(),
                repository: "example/fleet".to_owned(),
                node_id: String::new(),
            },
            checks: Some(Checks::default()),
            checks_problem: None,
            files: ChangedFiles { names: vec!["flake.lock".to_owned()], has_more: false },
            inputs: Vec::new(),
            inputs_problem: None,
        }
    }

    fn changed(change: impl FnOnce(&mut Review)) -> Review {
        let mut review = review();
        change(&mut review);
        review
    }

    #[test]
    fn signed_commits() {
        let none = SignaturesConfig::default();
        let own = SignaturesConfig { allowed_signers_file: Some("/k".into()), ..none.clone() };
        let with_forge = SignaturesConfig { forge_keyring_file: Some("/f".into()), ..own.clone() };
        let allowed = Permissions { allow_unsigned: true, ..Permissions::default() };
        for (signatures, method, permissions, expected) in [
            (&none, MergeMethod::Squash, Permissions::default(), None),
            (&own, MergeMethod::Merge, Permissions::default(), Some("forge_keyring_file")),
            (&own, MergeMethod::Rebase, Permissions::default(), Some("--method merge")),
            (&with_forge, MergeMethod::Merge, Permissions::default(), None),
            (&with_forge, MergeMethod::Squash, Permissions::default(), Some("--method merge")),
            (&with_forge, MergeMethod::Squash, allowed, None),
        ] {
            let found = of_signatures(signatures, method, permissions);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(found.is_none_or(|found| found.contains(expected.unwrap())));
        }
    }

    #[test]
    fn each_is_refused_unless_it_is_allowed_by_name() {
        let none = Permissions::default();
        let failed = Checks { failed: vec!["build".to_owned()], ..Checks::default() };
        let pending = Checks { pending: vec!["build".to_owned()], ..Checks::default() };
        let other = ChangedFiles { names: vec!["flake.lock".to_owned(), "flake.nix".to_owned()], has_more: false };
        for (review, permissions, expected) in [
            (review(), none, ""),
            (changed(|it| it.details.state = PullRequestState::Merged), none, ""),
            (changed(|it| it.details.state = PullRequestState::Closed), none, "it is closed"),
            (changed(|it| it.details.is_draft = true), none, "it is a draft"),
            (changed(|it| it.details.mergeability = Mergeability::Conflicts), none, "it has conflicts"),
            (changed(|it| it.details.mergeability = Mergeability::Computing), none, "still computes"),
            (changed(|it| it.details.mergeability = Mergeability::Blocked), none, ""),
            (
                changed(|it| it.checks = Some(failed.clone())),
                none,
                "checks failed (build): fix them, or say --allow-failed-checks",
            ),
            (changed(|it| it.checks = Some(failed.clone())), Permissions { allow_failed_checks: true, ..none }, ""),
            (
                changed(|it| it.checks = Some(failed)),
                Permissions { allow_pending_checks: true, ..none },
                "checks failed",
            ),
            (changed(|it| it.checks = Some(pending.clone())), none, "checks are not done (build)"),
            (changed(|it| it.checks = Some(pending)), Permissions { allow_pending_checks: true, ..none }, ""),
            (changed(|it| it.checks = None), none, "checks are not known"),
            (changed(|it| it.files = other.clone()), none, "more than flake.lock"),
            (changed(|it| it.files = other), Permissions { allow_other_files: true, ..none }, ""),
            (changed(|it| it.details.is_from_fork = true), none, "another repository"),
            (changed(|it| it.details.is_from_fork = true), Permissions { allow_fork: true, ..none }, ""),
        ] {
            let found = objections(&review, permissions).join("; ");
            assert!(
                if expected.is_empty() { found.is_empty() } else { found.contains(expected) },
                "{found:?}, {expected}"
            );
        }
        let all = changed(|it| {
            it.details.is_draft = true;
            it.details.is_from_fork = true;
        });
        assert_eq!(objections(&all, none).len(), 2, "all at once");
    }
}

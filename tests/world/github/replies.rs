//! Replies with all that GitHub's description requires of them.

use serde_json::{Map, Value, json};

use super::server::{Pull, PullState};

const API: &str = "https://api.github.com";
const SOME_TIME: &str = "2026-01-01T00:00:00Z";

pub(super) fn node_id(number: u64) -> String {
    format!("PR_{number}")
}

fn urls(base: &str, names: &[&str]) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), json!(format!("{base}/{}", name.trim_end_matches("_url"))))).collect()
}

fn with(mut object: Map<String, Value>, more: Value) -> Value {
    let Value::Object(more) = more else { unreachable!("an object") };
    object.extend(more);
    Value::Object(object)
}

fn user(login: &str) -> Value {
    let names = [
        "events_url",
        "followers_url",
        "following_url",
        "gists_url",
        "organizations_url",
        "received_events_url",
        "repos_url",
        "starred_url",
        "subscriptions_url",
    ];
    let more = json!({
        "login": login, "id": 1, "node_id": "U_1", "avatar_url": "https://avatars.githubusercontent.com/u/1", "gravatar_id": "",
        "html_url": format!("https://github.com/{login}"), "site_admin": false, "type": "User", "url": format!("{API}/users/{login}")
    });
    with(urls(&format!("{API}/users/{login}"), &names), more)
}

fn repository(full_name: &str) -> Value {
    let names = [
        "archive_url",
        "assignees_url",
        "blobs_url",
        "branches_url",
        "collaborators_url",
        "comments_url",
        "commits_url",
        "compare_url",
        "contents_url",
        "contributors_url",
        "deployments_url",
        "downloads_url",
        "events_url",
        "forks_url",
        "git_commits_url",
        "git_refs_url",
        "git_tags_url",
        "hooks_url",
        "issue_comment_url",
        "issue_events_url",
        "issues_url",
        "keys_url",
        "labels_url",
        "languages_url",
        "merges_url",
        "milestones_url",
        "notifications_url",
        "pulls_url",
        "releases_url",
        "stargazers_url",
        "statuses_url",
        "subscribers_url",
        "subscription_url",
        "tags_url",
        "teams_url",
        "trees_url",
        "svn_url",
    ];
    let (owner, name) = full_name.split_once('/').unwrap();
    let more = json!({
        "id": 1_296_269, "node_id": "R_1", "name": name, "full_name": full_name, "owner": user(owner), "private": false,
        "html_url": format!("https://github.com/{full_name}"), "description": null, "fork": false,
        "url": format!("{API}/repos/{full_name}"), "clone_url": format!("https://github.com/{full_name}.git"),
        "git_url": format!("git:github.com/{full_name}.git"), "ssh_url": format!("git@github.com:{full_name}.git"),
        "default_branch": "main", "forks": 0, "forks_count": 0, "has_downloads": true, "has_issues": true, "has_projects": true,
        "has_wiki": false, "has_pages": false, "has_discussions": false, "homepage": null, "language": "Nix", "archived": false,
        "disabled": false, "mirror_url": null, "open_issues": 0, "open_issues_count": 0, "license": null, "pushed_at": SOME_TIME,
        "size": 1, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "created_at": SOME_TIME, "updated_at": SOME_TIME
    });
    with(urls(&format!("{API}/repos/{full_name}"), &names), more)
}

pub(super) fn full_repository(full_name: &str) -> Value {
    let Value::Object(object) = repository(full_name) else { unreachable!("an object") };
    with(object, json!({ "network_count": 0, "subscribers_count": 0 }))
}

pub(super) fn listed_pull_request(full_name: &str, pull: &Pull) -> Value {
    let url = format!("{API}/repos/{full_name}/pulls/{}", pull.number);
    let page = format!("https://github.com/{full_name}/pull/{}", pull.number);
    let links = ["self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses"];
    let links: Map<String, Value> = links.iter().map(|name| ((*name).to_owned(), json!({ "href": url }))).collect();
    let label = |name: &String| json!({ "id": 1, "node_id": "L_1", "url": format!("{API}/labels"), "name": name, "description": "", "color": "ededed", "default": false });
    let branch = |full_name: &str, name: &str, revision: &str| {
        let (owner, _) = full_name.split_once('/').unwrap();
        json!({ "label": format!("{owner}:{name}"), "ref": name, "sha": revision, "repo": repository(full_name), "user": user(owner) })
    };
    let merge_revision = match &pull.state {
        PullState::Merged(revision) => json!(revision),
        // GitHub has a test merge here.
        PullState::Open | PullState::Closed => json!("e".repeat(40)),
    };
    let is_merged = matches!(pull.state, PullState::Merged(_));
    json!({
        "url": url, "id": pull.number, "node_id": node_id(pull.number), "html_url": page,
        "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"), "issue_url": url, "commits_url": url,
        "review_comments_url": url, "review_comment_url": url, "comments_url": url, "statuses_url": url,
        "number": pull.number, "state": if pull.state == PullState::Open { "open" } else { "closed" }, "locked": false,
        "title": pull.title, "user": user(&pull.author), "body": "Automated.", "labels": pull.labels.iter().map(label).collect::<Vec<_>>(),
        "milestone": null, "created_at": pull.created_at.to_string(), "updated_at": SOME_TIME,
        "closed_at": if pull.state == PullState::Open { Value::Null } else { json!(SOME_TIME) },
        "merged_at": if is_merged { json!(SOME_TIME) } else { Value::Null },
        "merge_commit_sha": merge_revision, "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [],
        "head": branch(pull.fork.as_deref().unwrap_or(full_name), "update-flake-lock", &pull.head),
        "base": branch(full_name, &pull.base, &pull.base_revision),
        "_links": links, "author_association": "CONTRIBUTOR", "auto_merge": null, "draft": pull.is_draft
    })
}

pub(super) fn pull_request(full_name: &str, pull: &Pull, is_computing: bool) -> Value {
    let Value::Object(object) = listed_pull_request(full_name, pull) else { unreachable!("an object") };
    let is_open = pull.state == PullState::Open;
    let mergeable = if is_open && !is_computing { json!(pull.mergeable) } else { Value::Null };
    let word = if mergeable.is_null() { "unknown" } else { pull.mergeable_state.as_str() };
    let more = json!({
        "additions": 3, "deletions": 3, "changed_files": pull.files.len(), "comments": 0, "commits": pull.commits,
        "mergeable": mergeable, "mergeable_state": word, "merged": matches!(pull.state, PullState::Merged(_)),
        "maintainer_can_modify": false, "merged_by": null, "review_comments": 0
    });
    with(object, more)
}

pub(super) fn changed_file(full_name: &str, name: &str) -> Value {
    let page = format!("https://github.com/{full_name}/blob/{name}");
    json!({
        "sha": "c".repeat(40), "filename": name, "status": "modified", "additions": 3, "deletions": 3, "changes": 6,
        "blob_url": page, "raw_url": page, "contents_url": format!("{API}/repos/{full_name}/contents/{name}"), "patch": "@@"
    })
}

pub(super) fn check_run(full_name: &str, revision: &str, run: &(String, String, Option<String>)) -> Value {
    let (name, status, conclusion) = run;
    let page = format!("https://github.com/{full_name}/runs/4");
    let completed = if conclusion.is_some() { json!(SOME_TIME) } else { Value::Null };
    let output =
        json!({ "title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": page });
    json!({
        "id": 4, "node_id": "CR_4", "head_sha": revision, "name": name, "url": format!("{API}/repos/{full_name}/check-runs/4"),
        "html_url": page, "details_url": page, "status": status, "conclusion": conclusion, "started_at": SOME_TIME,
        "completed_at": completed, "external_id": "", "check_suite": { "id": 5 }, "output": output, "app": null, "pull_requests": []
    })
}

pub(super) fn status(full_name: &str, status: &(String, String)) -> Value {
    let (context, state) = status;
    json!({
        "url": format!("{API}/repos/{full_name}/statuses/1"), "avatar_url": null, "id": 1, "node_id": "SC_1", "state": state,
        "description": null, "target_url": null, "context": context, "created_at": SOME_TIME, "updated_at": SOME_TIME
    })
}

pub(super) fn combined_status(full_name: &str, revision: &str, statuses: &[Value]) -> Value {
    let url = format!("{API}/repos/{full_name}/commits/{revision}/status");
    let minimal = repository(full_name);
    json!({
        "state": "pending", "sha": revision, "total_count": statuses.len(), "statuses": statuses, "repository": minimal,
        "commit_url": url, "url": url
    })
}

pub(super) fn branch(full_name: &str, name: &str, revision: &str) -> Value {
    let url = format!("{API}/repos/{full_name}/commits/{revision}");
    let person = json!({ "name": "a", "email": "a@example.org", "date": SOME_TIME });
    let commit = json!({
        "url": url, "author": person, "committer": person, "message": "flake.lock: update\n\nAll of it.", "comment_count": 0,
        "tree": { "sha": "f".repeat(40), "url": url }
    });
    json!({
        "name": name,
        "commit": {
            "url": url, "sha": revision, "node_id": "C_1", "html_url": url, "comments_url": url, "commit": commit,
            "author": user("a"), "committer": user("a"), "parents": []
        },
        "_links": { "html": url, "self": url }, "protected": false, "protection": { "enabled": false }, "protection_url": url
    })
}

/// The second page, on which there are no files.
pub(super) fn comparison(full_name: &str, from: &str, to: &str, ahead_by: u32, behind_by: u32) -> Value {
    let url = format!("{API}/repos/{full_name}/compare/{from}...{to}");
    let commit = branch(full_name, "", from)["commit"].clone();
    let status = match (ahead_by, behind_by) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    json!({
        "url": url, "html_url": url, "permalink_url": url, "diff_url": url, "patch_url": url, "base_commit": commit,
        "merge_base_commit": commit, "status": status, "ahead_by": ahead_by, "behind_by": behind_by,
        "total_commits": ahead_by, "commits": []
    })
}

//! All that a person wants to know of one pull request before a decision.

use std::fmt::Write as _;

use jiff::Timestamp;
use nixfleet_core::Age;
use nixfleet_core::flake_lock;
use nixfleet_core::github::{
    ChangedFiles, Checks, ChecksState, GithubClient, GithubError, Mergeability, PullRequestDetails, PullRequestState,
};
use serde::Serialize;

use super::inputs::{InputUpdate, updates};

/// One pull request, its checks, its files, and what it does to `flake.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Review {
    #[serde(flatten)]
    pub(super) details: PullRequestDetails,
    /// Absent where they cannot be read.
    pub(super) checks: Option<Checks>,
    /// Why they cannot be read.
    pub(super) checks_problem: Option<String>,
    pub(super) files: ChangedFiles,
    /// The direct inputs that differ.
    pub(super) inputs: Vec<InputUpdate>,
    /// Why the inputs cannot be told.
    pub(super) inputs_problem: Option<String>,
}

impl Review {
    pub(super) async fn of(client: &GithubClient, number: u64) -> Result<Self, GithubError> {
        let details = client.pull_request(number).await?;
        let client = client.for_repository_of(&details);
        let files = client.changed_files(number).await?;
        let (checks, checks_problem) = read_checks(&client, &details).await;
        let (inputs, inputs_problem) = match read_inputs(&client, &details).await {
            Ok(inputs) => (inputs, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        Ok(Self { details, checks, checks_problem, files, inputs, inputs_problem })
    }

    /// For people.
    pub(super) fn text(&self, now: Timestamp) -> String {
        let PullRequestDetails { number, title, url, author, opened_at, base_branch, head_revision, .. } =
            &self.details;
        let author = author.as_deref().unwrap_or("a deleted account");
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#{number} {title}\n{url}");
        let _ = writeln!(
            text,
            "by {author}, {} ago, for {base_branch}, at {}",
            Age::between(*opened_at, now),
            head_revision.short()
        );
        let _ = writeln!(
            text,
            "{}; {}",
            state_words(&self.details),
            checks_words(self.checks.as_ref(), self.checks_problem.as_deref())
        );
        let shown = self.files.names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = self.details.changed_files.saturating_sub(10);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let _ = writeln!(text, "changes {shown}{more}");
        if let Some(problem) = &self.inputs_problem {
            let _ = writeln!(text, "what it does to the inputs is not known: {problem}");
        }
        for input in &self.inputs {
            let _ = writeln!(text, "  {input}");
        }
        text
    }
}

/// In a few words.
pub(super) fn state_words(details: &PullRequestDetails) -> &'static str {
    match (details.state, details.is_draft, details.mergeability) {
        (PullRequestState::Merged, _, _) => "merged",
        (PullRequestState::Closed, _, _) => "closed",
        (PullRequestState::Open, true, _) => "draft",
        (_, _, Mergeability::Clean | Mergeability::Unstable | Mergeability::NotOpen) => "can be merged",
        (_, _, Mergeability::Conflicts) => "has conflicts",
        (_, _, Mergeability::Blocked) => "blocked by a rule of the branch",
        (_, _, Mergeability::Behind) => "behind its branch",
        (_, _, Mergeability::Computing) => "GitHub still computes whether it can be merged",
    }
}

pub(super) fn checks_words(checks: Option<&Checks>, problem: Option<&str>) -> String {
    let Some(checks) = checks else { return format!("checks unknown: {}", problem.unwrap_or("not read")) };
    match checks.state() {
        ChecksState::None => "no checks".to_owned(),
        ChecksState::Passed => format!("{} checks passed", checks.passed),
        ChecksState::Failed => format!("checks failed: {}", checks.failed.join(", ")),
        ChecksState::Pending => format!("checks not done: {}", checks.pending.join(", ")),
    }
}

pub(super) async fn read_checks(
    client: &GithubClient,
    details: &PullRequestDetails,
) -> (Option<Checks>, Option<String>) {
    match client.checks(&details.head_revision).await {
        Ok(checks) => (Some(checks), None),
        Err(error) => (None, Some(error.to_string())),
    }
}

async fn read_inputs(client: &GithubClient, details: &PullRequestDetails) -> Result<Vec<InputUpdate>, String> {
    let mut locks = Vec::new();
    for revision in [&details.base_revision, &details.head_revision] {
        let bytes = client.flake_lock(revision).await.map_err(|error| error.to_string())?;
        let bytes = bytes.ok_or_else(|| format!("{} has no flake.lock", revision.short()))?;
        locks.push((flake_lock::parse(&bytes).map_err(|error| error.to_string())?, flake_lock::summarize(&bytes)));
    }
    match &locks[..] {
        [(before, from), (after, to)] => Ok(updates(&from.changes_to(to), &flake_lock::compare_pages(before, after))),
        _ => Ok(Vec::new()),
    }
}

//! The checks of a commit: check runs and commit statuses together, as the page of a pull request shows them.

use serde::Serialize;

use super::client::Question;
use super::reply::{CheckRuns, CombinedStatus};
use super::{GithubClient, GithubError, KnownAnswers};
use crate::one_line::one_line;

const PAGES_MAXIMUM: u64 = 5;
/// In the place of a name, for what is on pages that are not read.
const UNREAD: &str = "more checks than are read";
const NAMED_MAXIMUM: usize = 20;

/// How the checks of one commit stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// How many passed, or were skipped.
    pub passed: usize,
    /// The names of those that failed, at most 20.
    pub failed: Vec<String>,
    /// The names of those that wait or run, at most 20.
    pub pending: Vec<String>,
}

/// All of them in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChecksState {
    /// There are none.
    None,
    /// All passed.
    Passed,
    /// One failed.
    Failed,
    /// None failed, and one is not done.
    Pending,
}

impl Checks {
    /// All of them in one word.
    #[must_use]
    pub fn state(&self) -> ChecksState {
        match (self.failed.is_empty(), self.pending.is_empty(), self.passed) {
            (false, _, _) => ChecksState::Failed,
            (true, false, _) => ChecksState::Pending,
            (true, true, 0) => ChecksState::None,
            (true, true, _) => ChecksState::Passed,
        }
    }

    fn add(&mut self, name: &str, outcome: Outcome) {
        let names = match outcome {
            Outcome::Passed => {
                self.passed += 1;
                return;
            }
            Outcome::Failed => &mut self.failed,
            Outcome::Pending => &mut self.pending,
        };
        if names.len() < NAMED_MAXIMUM {
            names.push(one_line(name, 100));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Pending,
}

impl GithubClient {
    /// The checks of a commit, a pull request's head. Where there are more than are read (500 of each kind), one more is
    /// told as pending: nobody may take what was not looked at for a pass.
    pub async fn checks(&self, revision: &crate::Revision) -> Result<Checks, GithubError> {
        let mut checks = Checks::default();
        let known = &mut KnownAnswers::default();
        for page in 1..=PAGES_MAXIMUM {
            let question =
                self.question(&format!("/commits/{revision}/check-runs?per_page=100&page={page}"), "\"Checks: read\"");
            let answer = self.get::<CheckRuns>(known, &question).await?;
            for run in &answer.content.check_runs {
                checks.add(&run.name, of_run(&run.status, run.conclusion.as_deref()));
            }
            if !answer.has_next {
                break;
            }
            if page == PAGES_MAXIMUM {
                checks.add(UNREAD, Outcome::Pending);
            }
        }
        for page in 1..=PAGES_MAXIMUM {
            let path = format!("/commits/{revision}/status?per_page=100&page={page}");
            let question = self.question(&path, "\"Commit statuses: read\"");
            let answer = self.get::<CombinedStatus>(known, &question).await?;
            for status in &answer.content.statuses {
                checks.add(&status.context, of_status(&status.state));
            }
            if !answer.has_next {
                break;
            }
            if page == PAGES_MAXIMUM {
                checks.add(UNREAD, Outcome::Pending);
            }
        }
        Ok(checks)
    }

    fn question(&self, path: &str, right: &'static str) -> Question {
        Question { path: self.path(path), asked: format!("read the checks of a commit of {}", self.repository), right }
    }
}

/// What is not done, or an unknown word: nobody may take it for a pass.
fn of_run(status: &str, conclusion: Option<&str>) -> Outcome {
    match (status, conclusion) {
        ("completed", Some("success" | "neutral" | "skipped")) => Outcome::Passed,
        ("completed", Some(_)) => Outcome::Failed,
        _ => Outcome::Pending,
    }
}

fn of_status(state: &str) -> Outcome {
    match state {
        "success" => Outcome::Passed,
        "pending" => Outcome::Pending,
        _ => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_passed() {
        for (status, conclusion, expected) in [
            ("completed", Some("success"), Outcome::Passed),
            ("completed", Some("skipped"), Outcome::Passed),
            ("completed", Some("neutral"), Outcome::Passed),
            ("completed", Some("failure"), Outcome::Failed),
            ("completed", Some("cancelled"), Outcome::Failed),
            ("completed", Some("timed_out"), Outcome::Failed),
            ("completed", Some("action_required"), Outcome::Failed),
            ("completed", Some("a new word"), Outcome::Failed),
            ("completed", None, Outcome::Pending),
            ("queued", None, Outcome::Pending),
            ("in_progress", None, Outcome::Pending),
        ] {
            assert_eq!(of_run(status, conclusion), expected, "{status} {conclusion:?}");
        }
        for (state, expected) in [
            ("success", Outcome::Passed),
            ("pending", Outcome::Pending),
            ("failure", Outcome::Failed),
            ("error", Outcome::Failed),
        ] {
            assert_eq!(of_status(state), expected, "{state}");
        }
    }

    #[test]
    fn one_that_failed_counts_most() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let state = |passed, failed: &[&str], pending: &[&str]| {
            Checks { passed, failed: names(failed), pending: names(pending) }.state()
        };
        assert_eq!(state(0, &[], &[]), ChecksState::None);
        assert_eq!(state(2, &[], &[]), ChecksState::Passed);
        assert_eq!(state(2, &[], &["build"]), ChecksState::Pending);
        assert_eq!(state(2, &["lint"], &["build"]), ChecksState::Failed);
    }
}

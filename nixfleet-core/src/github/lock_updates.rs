//! The open pull requests that update `flake.lock`.

use jiff::Timestamp;

use super::client::Question;
use super::known_answers::ChangeSet;
use super::reply::{ChangedFile, ListedPullRequest};
use super::{GithubClient, GithubError, KnownAnswers};
use crate::observation::{PullRequest, PullRequestList};
use crate::one_line::one_line;

/// Pull requests of one page: few enough that the answer, which has their whole texts, stays small in memory.
const PER_PAGE: usize = 50;

/// A repository with more open pull requests than fit here has other troubles.
const PAGES_MAXIMUM: usize = 40;

/// Files are asked for once per pull request and head. So many at one look: the others have their turn at the next.
const FILE_LISTS_PER_LOOK: usize = 40;

const TITLE_CHARACTERS: usize = 200;

/// Which pull requests count beside what their files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockUpdateFilter {
    /// The branch that they are to be merged into. Default: the repository's default branch.
    pub branch: Option<String>,
    /// Their title holds this, whatever its case.
    pub title: Option<String>,
    /// They have all of these labels.
    pub labels: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockUpdates {
    /// The open ones, newest first.
    pub list: PullRequestList,
    /// How many newest-first candidates were not looked into this time, to bound the number of requests.
    pub left_for_the_next_look: usize,
}

impl LockUpdateFilter {
    /// Whether it counts as far as the list tells. A pull request from a fork, which anybody can open, counts only where
    /// labels are asked for: those are set by people with rights in the repository.
    fn allows(&self, listed: &ListedPullRequest) -> bool {
        let base = listed.base.repo.as_ref();
        let own = base.map(|repository| &repository.full_name);
        let is_from_fork = own.is_none() || listed.head.repo.as_ref().map(|repository| &repository.full_name) != own;
        let branch = self.branch.as_ref().or(base.map(|repository| &repository.default_branch));
        let title = self.title.as_ref().map(|title| title.to_lowercase());
        let has = |wanted: &String| listed.labels.iter().any(|label| label.name.eq_ignore_ascii_case(wanted));
        branch == Some(&listed.base.name)
            && title.is_none_or(|title| listed.title.to_lowercase().contains(&title))
            && self.labels.iter().all(has)
            && (!is_from_fork || !self.labels.is_empty())
    }
}

impl GithubClient {
    /// The open pull requests that change `flake.lock` at the root of the repository and nothing else, newest first.
    ///
    /// Nothing new costs one conditional request for each 50 open pull requests. Which files one changes is asked once
    /// for each of its heads.
    pub async fn open_lock_updates(
        &self,
        filter: &LockUpdateFilter,
        known: &mut KnownAnswers,
        now: Timestamp,
    ) -> Result<LockUpdates, GithubError> {
        let mut candidates: Vec<_> = self.open_pull_requests(filter, known).await?;
        candidates.retain(|listed| filter.allows(listed));
        candidates.sort_by_key(|listed| std::cmp::Reverse((listed.created_at, listed.number)));
        let mut open = Vec::new();
        let (mut asked, mut left) = (0, 0);
        for listed in &candidates {
            let changes = change_set(listed);
            let decided = match known.decided(&changes) {
                Some(decided) => decided,
                None if asked == FILE_LISTS_PER_LOOK => {
                    left += 1;
                    continue;
                }
                None => {
                    asked += 1;
                    let decided = self.changes_only_flake_lock(listed.number, known).await?;
                    known.decide(changes, decided);
                    decided
                }
            };
            if decided {
                open.push(as_pull_request(listed));
            }
        }
        known.end_round(|changes| candidates.iter().any(|listed| change_set(listed) == *changes));
        Ok(LockUpdates {
            list: PullRequestList { observed_at: now, open, remote_url: None },
            left_for_the_next_look: left,
        })
    }

    async fn open_pull_requests(
        &self,
        filter: &LockUpdateFilter,
        known: &mut KnownAnswers,
    ) -> Result<Vec<ListedPullRequest>, GithubError> {
        let base = filter.branch.as_ref().map(|branch| format!("&base={}", query_value(branch))).unwrap_or_default();
        let mut all = Vec::new();
        for page in 1..=PAGES_MAXIMUM {
            let query = format!("state=open{base}&sort=created&direction=desc&per_page={PER_PAGE}&page={page}");
            let question = Question {
                path: self.path(&format!("/pulls?{query}")),
                asked: format!("list the pull requests of {}", self.repository),
                right: "\"Pull requests: read\"",
            };
            let answer = self.get::<Vec<ListedPullRequest>>(known, &question).await?;
            all.extend(answer.content);
            if !answer.has_next {
                break;
            }
        }
        Ok(all)
    }

    /// Two files are enough to know, however many there are.
    async fn changes_only_flake_lock(&self, number: u64, known: &mut KnownAnswers) -> Result<bool, GithubError> {
        let question = Question {
            path: self.path(&format!("/pulls/{number}/files?per_page=2")),
            asked: format!("list the files of #{number} of {}", self.repository),
            right: "\"Pull requests: read\"",
        };
        let files = self.get::<Vec<ChangedFile>>(known, &question).await;
        // The decision is what is kept.
        known.forget(&question.path);
        Ok(matches!(&files?.content[..], [file] if file.filename == "flake.lock" && file.status != "removed"))
    }
}

fn change_set(listed: &ListedPullRequest) -> ChangeSet {
    ChangeSet { number: listed.number, head: listed.head.sha.clone(), base_branch: listed.base.name.clone() }
}

fn as_pull_request(listed: &ListedPullRequest) -> PullRequest {
    PullRequest {
        number: listed.number,
        url: one_line(&listed.html_url, 500),
        title: one_line(&listed.title, TITLE_CHARACTERS),
        opened_at: listed.created_at,
        head_revision: Some(listed.head.sha.clone()),
        author: listed.user.as_ref().map(|user| one_line(&user.login, 100)),
    }
}

/// A value of a query.
pub(super) fn query_value(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

//! Opening a pull request that reverts another one.

use serde::{Deserialize, Serialize};

use super::client::Question;
use super::{GithubClient, GithubError, PullRequestDetails};
use crate::one_line::one_line;

/// `revertPullRequest` of GitHub's GraphQL API.
const MUTATION: &str = "mutation($input: RevertPullRequestInput!) { revertPullRequest(input: $input) { \
     revertPullRequest { number url title } } }";

/// The pull request that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevertPullRequest {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
}

#[derive(Serialize)]
struct Request<'a> {
    query: &'static str,
    variables: Variables<'a>,
}

#[derive(Serialize)]
struct Variables<'a> {
    input: Input<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    pull_request_id: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<ErrorReply>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    revert_pull_request: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    revert_pull_request: Option<Opened>,
}

#[derive(Deserialize)]
struct Opened {
    number: u64,
    url: String,
    title: String,
}

#[derive(Deserialize)]
struct ErrorReply {
    message: String,
}

impl GithubClient {
    /// Opens a pull request that takes back a merged one. Nothing is merged by this.
    pub async fn open_revert(&self, merged: &PullRequestDetails) -> Result<RevertPullRequest, GithubError> {
        let number = merged.number;
        let question = Question {
            path: String::new(),
            asked: format!("open a pull request that reverts #{number} of {}", self.repository),
            right: "\"Contents: write\" and \"Pull requests: write\"",
        };
        let input = Input { pull_request_id: &merged.node_id };
        let request = Request { query: MUTATION, variables: Variables { input } };
        let answer = self.graphql(&question, &request).await?;
        let reply: Reply = self.parse(&answer.body, &question)?;
        let opened = reply.data.and_then(|data| data.revert_pull_request).and_then(|data| data.revert_pull_request);
        if let Some(Opened { number, url, title }) = opened {
            return Ok(RevertPullRequest { number, url: one_line(&url, 500), title: one_line(&title, 200) });
        }
        let messages: Vec<_> = reply.errors.iter().take(3).map(|error| error.message.as_str()).collect();
        let said = if messages.is_empty() { "no reason given".to_owned() } else { one_line(&messages.join(", "), 200) };
        Err(GithubError::Refused { asked: question.asked, status: answer.status.as_u16(), said })
    }
}

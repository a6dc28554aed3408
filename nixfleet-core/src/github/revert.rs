//! Opening a pull request that reverts another one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::{Answer, Question};
use super::rate_limit::spent_until;
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
    #[serde(default, rename = "type")]
    kind: Option<String>,
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
        let unclear = |error: GithubError| {
            if error.is_unclear() { GithubError::RevertUnclear { number, cause: Box::new(error) } } else { error }
        };
        let answer = self.graphql(&question, &request).await.map_err(unclear)?;
        let reply: Reply = self.parse(&answer.body, &question).map_err(unclear)?;
        let opened = reply.data.and_then(|data| data.revert_pull_request).and_then(|data| data.revert_pull_request);
        if let Some(Opened { number, url, title }) = opened {
            return Ok(RevertPullRequest { number, url: one_line(&url, 500), title: one_line(&title, 200) });
        }
        Err(self.graphql_refusal(&answer, &reply.errors, question))
    }

    /// The GraphQL API answers 200 where REST has a status of its own; the kind of the error tells which.
    fn graphql_refusal(&self, answer: &Answer, errors: &[ErrorReply], question: Question) -> GithubError {
        let messages: Vec<_> = errors.iter().take(3).map(|error| error.message.as_str()).collect();
        let said = if messages.is_empty() { "no reason given".to_owned() } else { one_line(&messages.join(", "), 200) };
        let status = answer.status.as_u16();
        let is = |kind: &str| errors.iter().any(|error| error.kind.as_deref() == Some(kind));
        if is("RATE_LIMITED") {
            let until = spent_until(&answer.headers, Timestamp::now());
            return GithubError::LimitReached { status, said, until, with_token: self.with_token };
        }
        if is("FORBIDDEN") || is("INSUFFICIENT_SCOPES") {
            return GithubError::NotAllowed { asked: question.asked, said, right: question.right };
        }
        GithubError::Refused { asked: question.asked, status, said }
    }
}

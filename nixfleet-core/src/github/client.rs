//! One request and its answer.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_LENGTH, ETAG, HeaderValue, IF_NONE_MATCH, LINK, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::rate_limit::used_up_until;
use super::refusal::refusal;
use super::{GithubError, GithubRepository, KnownAnswers, Token};
use crate::git::redact_url;
use crate::one_line::one_line;

/// A page of 50 pull requests with the longest texts that GitHub allows is below this.
const MAXIMUM_BYTES: usize = 16 * 1024 * 1024;

/// A repository that was renamed, several times.
const REDIRECTS: usize = 3;

/// The form of an answer.
#[derive(Debug, Clone, Copy)]
struct Form {
    accept: &'static str,
    maximum_bytes: usize,
}

const JSON: Form = Form { accept: "application/vnd.github+json", maximum_bytes: MAXIMUM_BYTES };

/// How long GitHub is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For one request and the whole of its answer. Default: 30 seconds.
    pub request: Duration,
    /// The pauses after which it is asked again while it still computes whether a pull request can be merged.
    /// Default: 1, 2, 3 and 4 seconds.
    pub mergeability_pauses: Vec<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request: Duration::from_secs(30), mergeability_pauses: [1, 2, 3, 4].map(Duration::from_secs).to_vec() }
    }
}

/// Asks GitHub about one repository.
///
/// It is made within a tokio runtime, and costs some memory (a TLS context): a program that asks rarely makes one when it
/// asks, and drops it.
#[derive(Debug, Clone)]
pub struct GithubClient {
    pub(super) repository: GithubRepository,
    pub(super) limits: Limits,
    pub(super) rest: Octocrab,
    pub(super) graphql: Octocrab,
    pub(super) with_token: bool,
}

/// What is asked for.
pub(super) struct Question {
    pub(super) path: String,
    /// To be said after "GitHub does not allow this token to".
    pub(super) asked: String,
    /// The right that it takes.
    pub(super) right: &'static str,
}

/// An answer with a body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// One page of a list, or a whole answer.
pub(super) struct Page<T> {
    pub(super) content: T,
    pub(super) has_next: bool,
}

impl GithubClient {
    /// A client for this repository. Nothing is asked yet.
    pub fn new(repository: GithubRepository, token: Option<&Token>, limits: Limits) -> Result<Self, GithubError> {
        let [rest, graphql] = [&repository.rest, &repository.graphql].map(|base| octocrab(base, token));
        Ok(Self { rest: rest?, graphql: graphql?, repository, limits, with_token: token.is_some() })
    }

    /// The repository.
    #[must_use]
    pub const fn repository(&self) -> &GithubRepository {
        &self.repository
    }

    /// A path below the repository's own.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{}{rest}", self.repository.owner, self.repository.name)
    }

    /// The answer to a GET, from memory where GitHub says that it did not change.
    pub(super) async fn get<T: Serialize + DeserializeOwned>(
        &self,
        known: &mut KnownAnswers,
        question: &Question,
    ) -> Result<Page<T>, GithubError> {
        let now = Timestamp::now();
        self.may_ask(known, now)?;
        let etag = known.get(&question.path).map(|known| known.etag.clone());
        let answer = self.ask(Method::GET, question, None::<&()>, JSON, etag.as_deref()).await;
        if let Some(until) = answer.as_ref().err().and_then(GithubError::not_before) {
            known.ask_not_before(until);
        }
        let answer = answer?;
        if let Some(until) = used_up_until(&answer.headers, now) {
            known.ask_not_before(until);
        }
        if answer.status == StatusCode::NOT_MODIFIED
            && let Some(known) = known.get(&question.path)
        {
            let content = self.parse(known.json.as_bytes(), question)?;
            return Ok(Page { content, has_next: known.has_next });
        }
        let content: T = self.parse(&answer.body, question)?;
        let has_next = has_next(&answer.headers);
        let text = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
        match (text, serde_json::to_string(&content)) {
            (Some(etag), Ok(json)) => known.keep(question.path.clone(), etag.to_owned(), json, has_next),
            _ => known.forget(&question.path),
        }
        Ok(Page { content, has_next })
    }

    /// An error while GitHub's limit of requests holds, as far as it is known.
    pub(super) fn may_ask(&self, known: &KnownAnswers, now: Timestamp) -> Result<(), GithubError> {
        match known.not_before().filter(|until| *until > now) {
            Some(until) => {
                let said = "said by an earlier answer".to_owned();
                Err(GithubError::LimitReached { status: 429, said, until, with_token: self.with_token })
            }
            None => Ok(()),
        }
    }

    /// The answer to a request that changes something.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        question: &Question,
        body: &impl Serialize,
    ) -> Result<T, GithubError> {
        let answer = self.ask(method, question, Some(body), JSON, None).await?;
        self.parse(&answer.body, question)
    }

    /// The bytes of a file, where it is there.
    pub(super) async fn raw(&self, question: &Question, maximum_bytes: usize) -> Result<Option<Vec<u8>>, GithubError> {
        let form = Form { accept: "application/vnd.github.raw+json", maximum_bytes };
        match self.ask(Method::GET, question, None::<&()>, form, None).await {
            Ok(answer) => Ok(Some(answer.body)),
            // Whoever asks for a file of a commit has seen the commit.
            Err(GithubError::NotFound { status: 404, .. } | GithubError::TokenNeeded { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The answer of the GraphQL API.
    pub(super) async fn graphql(&self, question: &Question, body: &impl Serialize) -> Result<Answer, GithubError> {
        let asking = self.send(&self.graphql, Method::POST, "/graphql", question, Some(body), JSON, None);
        let answer = self.limited(asking).await?;
        if answer.status.is_redirection() {
            self.followed(&Method::POST, &answer)?;
        }
        Ok(answer)
    }

    async fn ask(
        &self,
        method: Method,
        question: &Question,
        body: Option<&impl Serialize>,
        form: Form,
        etag: Option<&str>,
    ) -> Result<Answer, GithubError> {
        let following = async {
            let mut path = question.path.clone();
            for _ in 0..=REDIRECTS {
                let answer = self.send(&self.rest, method.clone(), &path, question, body, form, etag).await?;
                if !answer.status.is_redirection() || answer.status == StatusCode::NOT_MODIFIED {
                    return Ok(answer);
                }
                path = self.followed(&method, &answer)?;
            }
            Err(GithubError::Redirected { host: self.host(), to: "itself, again and again".to_owned() })
        };
        self.limited(following).await
    }

    async fn limited(&self, asking: impl Future<Output = Result<Answer, GithubError>>) -> Result<Answer, GithubError> {
        let limit = self.limits.request;
        let late = |_| GithubError::TimedOut { host: self.host(), seconds: limit.as_secs().max(1) };
        tokio::time::timeout(limit, asking).await.map_err(late)?
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn send(
        &self,
        octocrab: &Octocrab,
        method: Method,
        path: &str,
        question: &Question,
        body: Option<&impl Serialize>,
        form: Form,
        etag: Option<&str>,
    ) -> Result<Answer, GithubError> {
        let mut request = http::Request::builder().method(method).uri(path).header(ACCEPT, form.accept);
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = octocrab.build_request(request, body).map_err(|error| self.unreachable(&error))?;
        let reply = octocrab.execute(request).await.map_err(|error| self.unreachable(&error))?;
        let (parts, body) = reply.into_parts();
        let too_large = || GithubError::TooLarge {
            host: self.host(),
            asked: question.asked.clone(),
            mebibytes: form.maximum_bytes / (1024 * 1024),
        };
        // What says so is not even begun.
        if content_length(&parts.headers).is_some_and(|length| length > form.maximum_bytes) {
            return Err(too_large());
        }
        let body = Limited::new(body, form.maximum_bytes).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return too_large();
            }
            let detail = format!("the connection broke off in the middle of an answer ({})", innermost(&*error));
            GithubError::Unreachable { host: self.host(), detail }
        })?;
        let answer = Answer { status: parts.status, headers: parts.headers, body: body.to_bytes().to_vec() };
        if answer.status.is_client_error() || answer.status.is_server_error() {
            return Err(refusal(&answer, question, &self.host(), self.with_token));
        }
        Ok(answer)
    }

    /// Where a redirection leads, on the same server; anywhere else the token would go to somebody else.
    fn followed(&self, method: &Method, answer: &Answer) -> Result<String, GithubError> {
        let location = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
        let to = self.repository.rest.join(location).ok().filter(|_| !location.is_empty());
        let is_same = |to: &&Url| to.origin() == self.repository.rest.origin() && *method == Method::GET;
        match to.as_ref().filter(is_same) {
            Some(to) => Ok(to[url::Position::BeforePath..url::Position::AfterQuery].to_owned()),
            None => Err(GithubError::Redirected { host: self.host(), to: redact_url(location) }),
        }
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, body: &[u8], question: &Question) -> Result<T, GithubError> {
        serde_json::from_slice(body).map_err(|error| {
            let detail = match error.classify() {
                serde_json::error::Category::Eof => "the answer is cut off".to_owned(),
                serde_json::error::Category::Syntax => "the answer is no JSON".to_owned(),
                _ => one_line(&error.to_string(), 200),
            };
            GithubError::Malformed { host: self.host(), asked: question.asked.clone(), detail }
        })
    }

    pub(super) fn host(&self) -> String {
        self.repository.api_host()
    }

    fn unreachable(&self, error: &octocrab::Error) -> GithubError {
        GithubError::Unreachable { host: self.host(), detail: innermost(error) }
    }
}

fn octocrab(base: &Url, token: Option<&Token>) -> Result<Octocrab, GithubError> {
    let failed = |error: octocrab::Error| GithubError::Client { detail: innermost(&error) };
    let mut builder = Octocrab::builder().base_uri(base.as_str()).map_err(failed)?;
    if let Some(token) = token {
        builder = builder.personal_token(token.secret().to_owned());
    }
    builder.build().map_err(failed)
}

/// What the operating system or the TLS library said, below the layers above it.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    one_line(&error.to_string(), 200)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn has_next(headers: &HeaderMap) -> bool {
    headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok()).any(|link| link.contains("rel=\"next\""))
}

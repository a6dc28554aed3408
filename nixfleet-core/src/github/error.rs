//! Why GitHub's answer is not known, by what a person does about it.

use std::path::PathBuf;

use jiff::Timestamp;

/// GitHub could not be asked, or did not do what was asked. Each message is one sentence with the next step, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GithubError {
    /// The remote is elsewhere.
    #[error(
        "the remote {url} is not a repository on GitHub: {detail}; where it is, name its API (github.api_url, --api-url)"
    )]
    NotOnGithub {
        /// Without credentials.
        url: String,
        /// Why not.
        detail: String,
    },
    /// The address of the API cannot be used.
    #[error("the address {url} of GitHub's API cannot be used: {detail}; write it as https://HOST/api/v3")]
    ApiAddress {
        /// Without credentials.
        url: String,
        /// Why not.
        detail: String,
    },
    /// The token's file cannot be used.
    #[error("cannot read the token for GitHub {}: {detail}; check the path and its permissions", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        detail: String,
    },
    /// The HTTP client cannot be made.
    #[error("cannot prepare a connection to GitHub: {detail}; check the trusted certificates (SSL_CERT_FILE)")]
    Client {
        /// Why not.
        detail: String,
    },
    /// No connection, or one that broke.
    #[error("cannot reach GitHub at {host}: {detail}; check the network and the name")]
    Unreachable {
        /// The API's host.
        host: String,
        /// Why not.
        detail: String,
    },
    /// It took too long.
    #[error("GitHub at {host} did not answer within {seconds} seconds: try again later")]
    TimedOut {
        /// The API's host.
        host: String,
        /// The limit.
        seconds: u64,
    },
    /// 401.
    #[error(
        "GitHub at {host} does not accept the token (401): it is mistyped, expired or revoked; make a new one and put it into the token's file"
    )]
    TokenRefused {
        /// The API's host.
        host: String,
    },
    /// 401, 403 or 404 without a token.
    #[error(
        "without a token GitHub does not {asked} ({status}): check owner, name and number, or give a token, with github.token_file or --token-file"
    )]
    TokenNeeded {
        /// What was asked for.
        asked: String,
        /// The status.
        status: u16,
    },
    /// 403: the token lacks a right.
    #[error("GitHub does not allow this token to {asked} (403: {said}): give it the right {right}")]
    NotAllowed {
        /// What was asked for.
        asked: String,
        /// GitHub's own word.
        said: String,
        /// The right as the settings of a fine-grained token name it.
        right: &'static str,
    },
    /// 403 or 429: too many requests.
    #[error("GitHub's limit of requests is reached ({status}: {said}): nothing is asked before {until}{}", if *with_token { "" } else { "; a token raises the limit" })]
    LimitReached {
        /// The status.
        status: u16,
        /// GitHub's own word.
        said: String,
        /// When to ask again.
        until: Timestamp,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// 404, 410 or 451.
    #[error(
        "GitHub does not find what is needed to {asked} ({status}): check owner, name and number, and that the token may see the repository"
    )]
    NotFound {
        /// What was asked for.
        asked: String,
        /// The status.
        status: u16,
    },
    /// It sends us elsewhere.
    #[error("GitHub at {host} redirects to {to}, which is not followed: configure the remote's new address")]
    Redirected {
        /// The API's host.
        host: String,
        /// Where to, without credentials.
        to: String,
    },
    /// 405: a rule of the repository stands against it.
    #[error(
        "GitHub does not merge #{number} (405: {said}): fulfil the rules of the branch (reviews, checks, merge method), or merge it on its page"
    )]
    NotMergeable {
        /// The pull request.
        number: u64,
        /// GitHub's own word.
        said: String,
    },
    /// 409: the branch moved.
    #[error("#{number} was not merged (409: {said}): its branch has changed since it was looked at; look at it again")]
    HeadMoved {
        /// The pull request.
        number: u64,
        /// GitHub's own word.
        said: String,
    },
    /// 422 and other refusals.
    #[error("GitHub refuses to {asked} ({status}: {said}): correct what it names and try again")]
    Refused {
        /// What was asked for.
        asked: String,
        /// The status; 200 where the GraphQL API refuses.
        status: u16,
        /// GitHub's own word.
        said: String,
    },
    /// 5xx.
    #[error("GitHub at {host} has a trouble of its own ({status}): try again later, see https://www.githubstatus.com")]
    Server {
        /// The API's host.
        host: String,
        /// The status.
        status: u16,
    },
    /// The answer is not what GitHub's API says.
    #[error(
        "{host} does not answer as GitHub's API should when asked to {asked} ({detail}): check github.api_url, or try again later"
    )]
    Malformed {
        /// The API's host.
        host: String,
        /// What was asked for.
        asked: String,
        /// The reason.
        detail: String,
    },
    /// The answer is larger than any of its kind.
    #[error(
        "{host} sends more than {mebibytes} MiB when asked to {asked}: where it is a file, make it anew; else check github.api_url"
    )]
    TooLarge {
        /// The API's host.
        host: String,
        /// What was asked for.
        asked: String,
        /// The most that is taken.
        mebibytes: usize,
    },
    /// The branch has another name by now, to which GitHub leads and Git does not.
    #[error("the branch {branch} of {repository} was renamed to {to}: follow that one (repository.branch)")]
    BranchRenamed {
        /// The name that was asked for.
        branch: String,
        /// Its name now.
        to: String,
        /// The repository, as OWNER/NAME.
        repository: String,
    },
    /// It was asked to merge, no answer came, and the pull request is not merged.
    #[error("#{number} is not merged, and no answer says why ({cause}): look at it again")]
    NotMerged {
        /// The pull request.
        number: u64,
        /// What went wrong.
        cause: Box<GithubError>,
    },
    /// It was asked to open a pull request that reverts one, and no clear answer came.
    #[error(
        "it is not known whether a pull request that reverts #{number} was opened ({cause}): look at the list of pull requests before you try again"
    )]
    RevertUnclear {
        /// The pull request that is to be reverted.
        number: u64,
        /// What went wrong.
        cause: Box<GithubError>,
    },
}

impl GithubError {
    /// Before this time nothing may be asked, where GitHub said so.
    #[must_use]
    pub const fn not_before(&self) -> Option<Timestamp> {
        match self {
            Self::LimitReached { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether what was asked for may have been done all the same.
    pub(super) const fn is_unclear(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Server { .. }
                | Self::Malformed { .. }
                | Self::TooLarge { .. }
        )
    }
}

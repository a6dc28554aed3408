//! A client for a GitHub of our own.

use std::time::Duration;

use nixfleet_core::github::{
    GithubClient, GithubError, GithubRepository, KnownAnswers, Limits, LockUpdateFilter, LockUpdates, Token,
};
use world::github::GithubServer;

pub const SECRET: &str = "ghp_secret";

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub fn limits() -> Limits {
    Limits { request: Duration::from_secs(20), mergeability_pauses: vec![Duration::ZERO; 3] }
}

pub fn client_of(api_url: &str, token: Option<&str>, limits: Limits) -> GithubClient {
    let repository = GithubRepository::of_remote("git@github.com:example/fleet.git", Some(api_url)).unwrap();
    let token = token.map(|token| Token::new(token).unwrap());
    GithubClient::new(repository, token.as_ref(), limits).unwrap()
}

/// Asks this server, in a runtime of its own.
pub fn ask<T>(
    server: &GithubServer,
    work: impl AsyncFnOnce(GithubClient) -> Result<T, GithubError>,
) -> Result<T, GithubError> {
    block_on(async { work(client_of(&server.api_url(), Some(SECRET), limits())).await })
}

#[allow(dead_code, reason = "not every test lists")]
pub fn list(
    server: &GithubServer,
    filter: &LockUpdateFilter,
    known: &mut KnownAnswers,
) -> Result<LockUpdates, GithubError> {
    ask(server, async |client| client.open_lock_updates(filter, known, jiff::Timestamp::now()).await)
}

/// `flake.lock` of a commit that has none, as anybody sees it.
#[allow(dead_code, reason = "one test asks for it")]
pub fn lock_without_token(server: &GithubServer) -> Option<Vec<u8>> {
    let revision = "3".repeat(40).parse().unwrap();
    block_on(async { client_of(&server.api_url(), None, limits()).flake_lock(&revision).await }).unwrap()
}

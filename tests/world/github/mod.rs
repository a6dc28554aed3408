//! A GitHub of our own: a repository with pull requests behind the REST and GraphQL API, and GitHub's own description of
//! that API, which says whether what was asked and answered is right.

mod reference;
mod replies;
mod server;

pub use reference::GithubReference;
pub use server::{Exchange, GithubServer, Pull, PullState};

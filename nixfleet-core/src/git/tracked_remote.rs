//! What the current branch follows, as the repository's own configuration says.

use std::fmt;
use std::path::Path;

use git2::Repository;

use super::{RepositoryError, local, redact_url};

/// The remote that a repository follows by its own configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct TrackedRemote {
    /// The address as it is to be connected to. It may hold a password: show it only through [`redact_url`].
    pub url: String,
    /// The branch, without `refs/heads/`; absent where only the remote's HEAD can tell.
    pub branch: Option<String>,
}

impl fmt::Debug for TrackedRemote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TrackedRemote")
            .field("url", &redact_url(&self.url))
            .field("branch", &self.branch)
            .finish()
    }
}

/// What the current branch of the repository that `path` is or lies in follows.
///
/// That is the branch's upstream; without one the remote `origin`, with the branch of the same name where it was ever
/// fetched, else the branch that `origin`'s HEAD was on when it was cloned. None where there is no such remote.
pub fn tracked_remote(path: &Path) -> Result<Option<TrackedRemote>, RepositoryError> {
    let Some(repository) = local::open(path)? else { return Ok(None) };
    let root = local::root(&repository);
    read(&repository, &root).map_err(|error| RepositoryError::unreadable("the remotes", &root, error))
}

fn read(repository: &Repository, root: &Path) -> Result<Option<TrackedRemote>, git2::Error> {
    let current = local::current_branch(repository)?;
    if let Some(current) = &current {
        let configuration = repository.config()?.snapshot()?;
        let remote = configuration.get_string(&format!("branch.{current}.remote"));
        let merge = configuration.get_string(&format!("branch.{current}.merge"));
        if let (Ok(remote), Ok(merge)) = (remote, merge)
            && let Some(url) = url_of(repository, root, &remote)
            && let Some(branch) = merge.strip_prefix("refs/heads/")
        {
            return Ok(Some(TrackedRemote { url, branch: Some(branch.to_owned()) }));
        }
    }
    let Some(url) = url_of(repository, root, "origin") else { return Ok(None) };
    let was_fetched = |branch: &String| repository.find_reference(&format!("refs/remotes/origin/{branch}")).is_ok();
    let branch = current.filter(was_fetched).or_else(|| head_of_origin(repository));
    Ok(Some(TrackedRemote { url, branch }))
}

fn head_of_origin(repository: &Repository) -> Option<String> {
    let head = repository.find_reference("refs/remotes/origin/HEAD").ok()?;
    let target = head.symbolic_target().ok()??;
    target.strip_prefix("refs/remotes/origin/").map(str::to_owned)
}

/// The address of a remote, with `url.*.insteadOf` applied; none for `.`, the repository itself.
fn url_of(repository: &Repository, root: &Path, name: &str) -> Option<String> {
    let remote = repository.find_remote(name).ok()?;
    let url = remote.url().ok()?;
    let relative_path = url.starts_with("./") || url.starts_with("../");
    if relative_path { root.join(url).to_str().map(str::to_owned) } else { Some(url.to_owned()) }
}

//! One look at the remote.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use git2::{Oid, Reference};
use jiff::Timestamp;

use super::commit::{CommitFacts, read_commit};
use super::connection::{Connection, RemoteReference};
use super::deadline::{Attempt, within};
use super::store::StoreLock;
use super::{RemoteError, RemoteSource, RemoteStore};
use crate::Revision;
use crate::git::lock_bytes::LockProblem;
use crate::git::object_view::object_view;
use crate::git::{local, redact_url};
use crate::observation::RemoteCommit;
use crate::one_line::one_line;

/// The tip of the tracked branch, in the store.
const TRACKED: &str = "refs/nixfleet/tracked";

/// HEAD of the local repository, in the store while a fetch goes on: the remote need not send what that reaches.
const LOCAL: &str = "refs/nixfleet/local";

impl RemoteStore {
    /// Asks the remote for the tip of the branch, and reads that one commit.
    ///
    /// Where the tip is that of `previous`, for the same address and branch, only the references are asked for. Where
    /// the store or `local_repository` has the commit, nothing is fetched. Otherwise the branch is fetched into this
    /// store; `local_repository` is read, so that a first fetch brings only what is new, and never written.
    /// It takes no longer than the source's total limit, whatever the server does.
    ///
    /// A store that turns out to be damaged is made anew, once.
    pub fn observe(
        &self,
        source: &RemoteSource,
        previous: Option<&RemoteCommit>,
        local_repository: Option<&Path>,
        now: Timestamp,
    ) -> Result<RemoteCommit, RemoteError> {
        self.look(source, previous, local_repository, now, Wanted::Facts)
    }

    /// The same, and afterwards the commit is in this store or in `local_repository`, also where `previous` was read without
    /// its objects, as from a forge's API.
    pub fn fetch(
        &self,
        source: &RemoteSource,
        previous: Option<&RemoteCommit>,
        local_repository: Option<&Path>,
        now: Timestamp,
    ) -> Result<RemoteCommit, RemoteError> {
        self.look(source, previous, local_repository, now, Wanted::Objects)
    }

    fn look(
        &self,
        source: &RemoteSource,
        previous: Option<&RemoteCommit>,
        local_repository: Option<&Path>,
        now: Timestamp,
        wanted: Wanted,
    ) -> Result<RemoteCommit, RemoteError> {
        let url = redact_url(&source.url);
        let look = Look {
            wanted,
            store: self.clone(),
            source: source.clone(),
            url: url.clone(),
            previous: previous.cloned(),
            local_repository: local_repository.map(Path::to_owned),
            local: OnceCell::new(),
            now,
        };
        within(source.timeouts.total, &url, move |attempt| look.observe(attempt))
    }
}

/// What a look is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What the commit says.
    Facts,
    /// The commit itself.
    Objects,
}

/// All that one look needs, in the thread that does it.
struct Look {
    wanted: Wanted,
    store: RemoteStore,
    source: RemoteSource,
    url: String,
    previous: Option<RemoteCommit>,
    local_repository: Option<PathBuf>,
    local: OnceCell<Option<LocalObjects>>,
    now: Timestamp,
}

/// What the local repository can contribute.
struct LocalObjects {
    directory: PathBuf,
    /// HEAD, where all that it reaches is there.
    complete_from: Option<Oid>,
}

impl LocalObjects {
    /// None where it cannot be read: then it contributes nothing, and whoever observes it says why.
    fn of(path: &Path) -> Option<Self> {
        let repository = local::open(path).ok()??;
        let partial = repository.config().and_then(|config| config.get_string("extensions.partialclone")).is_ok();
        let head = repository.head().ok().and_then(|head| head.peel_to_commit().ok()).map(|commit| commit.id());
        let complete_from = head.filter(|_| !repository.is_shallow() && !partial);
        Some(Self { directory: repository.commondir().join("objects"), complete_from })
    }
}

/// A failure, and whether a new store could help.
struct Failure {
    error: RemoteError,
    store_is_suspect: bool,
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self { error, store_is_suspect: false }
    }
}

impl Look {
    fn observe(&self, attempt: &Attempt) -> Result<RemoteCommit, RemoteError> {
        let connection = Connection::new(&self.source, attempt)?;
        self.store.prepare(attempt.deadline)?;
        let references = connection.references(&self.store)?;
        let (branch, tip) = tip(&references, self.source.branch.as_deref(), &self.url)?;
        if self.wanted == Wanted::Facts
            && let Some(previous) = &self.previous
            && (&previous.url, &previous.branch, previous.revision.as_str()) == (&self.url, &branch, &*tip.to_string())
        {
            return Ok(RemoteCommit { confirmed_at: self.now, ..previous.clone() });
        }
        match self.read(tip, true) {
            Ok(facts) => Ok(self.answer(branch, tip, facts)),
            Err(failure) if !failure.store_is_suspect => Err(failure.error),
            Err(_) => self.fetch(&connection, branch, attempt),
        }
    }

    fn fetch(&self, connection: &Connection, branch: String, attempt: &Attempt) -> Result<RemoteCommit, RemoteError> {
        let lock = self.store.lock(attempt.deadline)?;
        if self.store.tidy(&lock) {
            self.store.make_anew(&lock)?;
        }
        let first = self.fetch_and_read(connection, &branch, true, &lock);
        let (tip, facts) = match first {
            Err(failure) if failure.store_is_suspect && !attempt.is_cancelled() => {
                tracing::warn!("the store of fetched objects is made anew: {}", failure.error);
                self.store.make_anew(&lock)?;
                self.fetch_and_read(connection, &branch, false, &lock)
            }
            first => first,
        }
        .map_err(|failure| failure.error)?;
        Ok(self.answer(branch, tip, facts))
    }

    /// Fetches, and reads the commit that came: the branch may have moved since its tip was asked for.
    fn fetch_and_read(
        &self,
        connection: &Connection,
        branch: &str,
        use_local: bool,
        lock: &StoreLock,
    ) -> Result<(Oid, CommitFacts), Failure> {
        let suspect = |error: git2::Error| Failure { error: self.store.git_error(&error), store_is_suspect: true };
        let repository = self.store.open().map_err(suspect)?;
        let local = self.local().filter(|_| use_local);
        let base = local.and_then(|local| Some((local.directory.to_str()?, local.complete_from?)));
        if let Some((directory, head)) = base {
            repository.odb().and_then(|objects| objects.add_disk_alternate(directory)).map_err(suspect)?;
            repository.reference(LOCAL, head, true, "").map_err(suspect)?;
        }
        let fetched = connection.fetch(&repository, branch, TRACKED, &self.store);
        self.store.remove_fetch_head(lock);
        if base.is_some() {
            repository.find_reference(LOCAL).and_then(|mut reference| reference.delete()).map_err(suspect)?;
        }
        fetched.map_err(|error| Failure {
            store_is_suspect: matches!(&error, RemoteError::Store { detail, .. } if !detail.contains("free some space")),
            error,
        })?;
        let tip = repository.refname_to_id(TRACKED).map_err(suspect)?;
        Ok((tip, self.read(tip, use_local)?))
    }

    /// Opened only where there is something new.
    fn local(&self) -> Option<&LocalObjects> {
        self.local.get_or_init(|| self.local_repository.as_deref().and_then(LocalObjects::of)).as_ref()
    }

    /// Reads the commit from what is here.
    fn read(&self, tip: Oid, use_local: bool) -> Result<CommitFacts, Failure> {
        let local = self.local().filter(|_| use_local).map(|local| local.directory.clone());
        let directories: Vec<PathBuf> = std::iter::once(self.store.objects()).chain(local).collect();
        let read = object_view(&directories).map_err(LockProblem::Git).and_then(|objects| read_commit(&objects, tip));
        read.map_err(|problem| match problem {
            LockProblem::Git(error) => Failure { error: self.store.git_error(&error), store_is_suspect: true },
            LockProblem::Unfit(detail) => {
                RemoteError::Lock { url: self.url.clone(), revision: tip.to_string(), detail }.into()
            }
        })
    }

    fn answer(&self, branch: String, tip: Oid, facts: CommitFacts) -> RemoteCommit {
        let revision = Revision::from(tip);
        // What was seen of another remote or branch tells nothing about this one.
        let previous = self.previous.as_ref().filter(|previous| previous.url == self.url && previous.branch == branch);
        let (first_seen_at, earlier_tips) = match previous {
            Some(previous) if previous.revision == revision => (previous.first_seen_at, previous.earlier_tips.clone()),
            Some(previous) => (self.now, previous.tips_up_to_here()),
            None => (self.now, Vec::new()),
        };
        RemoteCommit {
            url: self.url.clone(),
            branch,
            revision,
            subject: facts.subject,
            committed_at: facts.committed_at,
            lock: facts.lock,
            first_seen_at,
            confirmed_at: self.now,
            earlier_tips,
            // The commit is here now.
            distance: None,
        }
    }
}

/// The branch to follow and its tip, among the references of the remote.
fn tip(references: &[RemoteReference], wanted: Option<&str>, url: &str) -> Result<(String, Oid), RemoteError> {
    let url = url.to_owned();
    let branches: Vec<(&str, Oid)> = references
        .iter()
        .filter_map(|reference| Some((reference.name.strip_prefix("refs/heads/")?, reference.id)))
        .filter(|(branch, _)| Reference::is_valid_name(&format!("refs/heads/{branch}")))
        .collect();
    if references.is_empty() {
        return Err(RemoteError::Empty { url });
    }
    let names: Vec<String> = branches.iter().take(5).map(|(branch, _)| one_line(branch, 80)).collect();
    let others = match names.as_slice() {
        [] => "no branches".to_owned(),
        names if branches.len() > names.len() => format!("{}, …", names.join(", ")),
        names => names.join(", "),
    };
    let branch = match wanted {
        Some(wanted) => wanted.strip_prefix("refs/heads/").unwrap_or(wanted),
        None => references
            .iter()
            .find(|reference| reference.name == "HEAD")
            .and_then(|head| head.symbolic_target.as_deref()?.strip_prefix("refs/heads/"))
            .ok_or_else(|| RemoteError::NoDefaultBranch { url: url.clone(), others: others.clone() })?,
    };
    match branches.iter().find(|(name, _)| *name == branch) {
        Some((_, id)) => Ok((branch.to_owned(), *id)),
        None => Err(RemoteError::NoBranch { url, branch: one_line(branch, 200), others }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str, digit: &str, symbolic_target: Option<&str>) -> RemoteReference {
        let id = Oid::from_str(&digit.repeat(40)).unwrap();
        RemoteReference { name: name.to_owned(), id, symbolic_target: symbolic_target.map(str::to_owned) }
    }

    #[test]
    fn finds_the_branch() {
        let references = [
            reference("HEAD", "1", Some("refs/heads/main")),
            reference("refs/heads/main", "1", None),
            reference("refs/heads/a/b", "2", None),
            reference("refs/tags/main", "3", None),
            reference("refs/tags/only-a-tag", "3", None),
        ];
        for (wanted, expected) in [
            (None, Some(("main", "1"))),
            (Some("main"), Some(("main", "1"))),
            (Some("refs/heads/main"), Some(("main", "1"))),
            (Some("a/b"), Some(("a/b", "2"))),
            (Some("only-a-tag"), None),
            (Some("b"), None),
            (Some(""), None),
        ] {
            let found = tip(&references, wanted, "u").ok();
            let found = found.as_ref().map(|(branch, id)| (branch.as_str(), id.to_string()));
            assert_eq!(found, expected.map(|(branch, digit)| (branch, digit.repeat(40))), "{wanted:?}");
        }
    }

    #[test]
    fn says_why_there_is_none() {
        assert!(matches!(tip(&[], None, "u"), Err(RemoteError::Empty { .. })));
        let detached = [reference("HEAD", "1", None), reference("refs/heads/main", "1", None)];
        let error = tip(&detached, None, "u").unwrap_err();
        assert_eq!(error.to_string(), "the HEAD of u is not on a branch: configure the branch to follow (it has main)");
        let gone = tip(&detached, Some("gone"), "u").unwrap_err().to_string();
        assert!(gone.contains("no branch \"gone\"") && gone.contains("main"), "{gone}");
    }
}

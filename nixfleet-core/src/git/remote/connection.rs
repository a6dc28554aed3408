//! Talking to the remote: its references, and a fetch of one branch.

use std::sync::{Arc, Mutex};

use git2::{
    AutotagOption, Direction, ErrorClass, ErrorCode, FetchOptions, FetchPrune, Odb, Oid, RemoteCallbacks, Repository,
};
use url::Url;

use super::address::{Address, HttpAddress};
use super::deadline::Attempt;
use super::http::{self, HttpPlan};
use super::process_limits::set_process_limits;
use super::ssh_failure::ssh_failure;
use super::ssh_process::lock;
use super::ssh_transport::{self, SshPlan};
use super::store::is_out_of_space;
use super::{RemoteError, RemoteSource, RemoteStore, transports};
use crate::git::redact::{redact_url, scrub};
use crate::one_line::one_line;

/// One reference of the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RemoteReference {
    pub(super) name: String,
    pub(super) id: Oid,
    pub(super) symbolic_target: Option<String>,
}

/// A source that is ready to be connected to, in the thread that made it.
pub(super) struct Connection {
    shown: String,
    libgit2_url: String,
    address: Address,
    attempt: Attempt,
    /// Whatever of the source must not appear in a message: a server may say it again.
    secrets: Vec<String>,
    /// What failed over http, in full.
    http_failure: Arc<Mutex<Option<RemoteError>>>,
}

impl Connection {
    /// Reads the credentials. Connections are to be made from this thread.
    pub(super) fn new(source: &RemoteSource, attempt: &Attempt) -> Result<Self, RemoteError> {
        let shown = redact_url(&source.url);
        let address = Address::parse(&source.url)?;
        set_process_limits(source.timeouts);
        transports::register()
            .map_err(|error| RemoteError::Network { url: shown.clone(), detail: one_line(error.message(), 300) })?;
        let http_failure = Arc::default();
        let mut secrets = Vec::new();
        let libgit2_url = match &address {
            Address::Http(address) => {
                let username_and_token = source.credentials.username_and_token()?;
                secrets = secrets_of(address, username_and_token.as_ref());
                let plan = HttpPlan {
                    shown: shown.clone(),
                    address: address.clone(),
                    username_and_token,
                    timeouts: source.timeouts,
                    running: attempt.http.clone(),
                    failure: Arc::clone(&http_failure),
                };
                plan.enter();
                http::URL.to_owned()
            }
            Address::Git(url) => url.clone(),
            Address::Local(path) => {
                let unusable = |detail: &str| RemoteError::Address { url: shown.clone(), detail: detail.to_owned() };
                if !path.exists() {
                    return Err(RemoteError::NotFound { url: shown, detail: "the path does not exist".to_owned() });
                }
                Url::from_file_path(path).map_err(|()| unusable("it is no absolute path: write it in full"))?.into()
            }
            Address::Ssh(target) => {
                source.credentials.check_ssh_files()?;
                let plan = SshPlan {
                    target: target.clone(),
                    credentials: source.credentials.clone(),
                    timeouts: source.timeouts,
                    running: attempt.ssh.clone(),
                };
                plan.enter();
                ssh_transport::URL.to_owned()
            }
        };
        Ok(Self { shown, libgit2_url, address, attempt: attempt.clone(), secrets, http_failure })
    }

    /// All references of the remote, HEAD among them. The store gives its configuration, no more.
    pub(super) fn references(&self, store: &RemoteStore) -> Result<Vec<RemoteReference>, RemoteError> {
        let list = || {
            let no_objects = Repository::from_odb(Odb::new()?)?;
            no_objects.set_config(&store.config()?)?;
            let mut remote = no_objects.remote_anonymous(&self.libgit2_url)?;
            let connection = remote.connect_auth(Direction::Fetch, Some(self.callbacks()), None)?;
            let reference = |head: &git2::RemoteHead<'_>| RemoteReference {
                name: head.name().to_owned(),
                id: head.oid(),
                symbolic_target: head.symref_target().map(str::to_owned),
            };
            Ok(connection.list()?.iter().map(reference).collect())
        };
        list().map_err(|error: git2::Error| self.error(&error))
    }

    /// Fetches one branch into one reference of the repository, and leaves no other trace there.
    pub(super) fn fetch(
        &self,
        repository: &Repository,
        branch: &str,
        into: &str,
        store: &RemoteStore,
    ) -> Result<(), RemoteError> {
        let mut options = FetchOptions::new();
        options
            .remote_callbacks(self.callbacks())
            .download_tags(AutotagOption::None)
            .prune(FetchPrune::Off)
            .update_fetchhead(false);
        let refspec = format!("+refs/heads/{branch}:{into}");
        let fetched = repository
            .remote_anonymous(&self.libgit2_url)
            .and_then(|mut remote| remote.fetch(&[refspec], Some(&mut options), None));
        fetched.map_err(|error| match error.class() {
            // libgit2 says "Os" both for a disk and for a connection.
            ErrorClass::Os | ErrorClass::Filesystem if is_out_of_space(&error) => store.git_error(&error),
            ErrorClass::Os | ErrorClass::Net | ErrorClass::Http | ErrorClass::Ssl | ErrorClass::Callback => {
                self.error(&error)
            }
            _ if self.attempt.is_cancelled() || is_broken_off(&error) => self.error(&error),
            _ => store.git_error(&error),
        })
    }

    fn callbacks(&self) -> RemoteCallbacks<'static> {
        let mut callbacks = RemoteCallbacks::new();
        let attempt = self.attempt.clone();
        callbacks.transfer_progress(move |_| !attempt.is_cancelled());
        let attempt = self.attempt.clone();
        callbacks.sideband_progress(move |_| !attempt.is_cancelled());
        callbacks
    }

    /// What the failure means for a person.
    fn error(&self, error: &git2::Error) -> RemoteError {
        if let Some(failure) = lock(&self.http_failure).clone() {
            return failure.with_detail(|detail| scrub(&detail, &self.secrets));
        }
        if let Address::Ssh(_) = self.address
            && let Some(error) = self.ssh_error()
        {
            return error;
        }
        explain(self.shown.clone(), error, &scrub(&one_line(error.message(), 300), &self.secrets))
    }

    fn ssh_error(&self) -> Option<RemoteError> {
        let url = self.shown.clone();
        if let Some(detail) = self.attempt.ssh.failed_to_start() {
            let detail = format!("the command ssh cannot be run ({detail}); install OpenSSH and put it into PATH");
            return Some(RemoteError::Network { url, detail });
        }
        let process = self.attempt.ssh.process()?;
        if process.was_silent() {
            return Some(RemoteError::Timeout { url, detail: "sent nothing in the time that was allowed".to_owned() });
        }
        ssh_failure(&url, &process.end())
    }
}

fn secrets_of(address: &HttpAddress, username_and_token: Option<&(String, String)>) -> Vec<String> {
    let mut secrets: Vec<String> = username_and_token.iter().map(|(_, token)| token.clone()).collect();
    secrets.extend(address.username_and_password.iter().flat_map(|(name, word)| [name.clone(), word.clone()]));
    secrets.extend(address.url.query().map(str::to_owned));
    // A name of one or two letters is in every sentence and no secret.
    secrets.retain(|secret| secret.len() > 2);
    secrets
}

/// The connection ended in the middle.
fn is_broken_off(error: &git2::Error) -> bool {
    error.code() == ErrorCode::Eof || error.message().contains("early EOF")
}

/// The error of libgit2 by what a person does about it. libgit2 tells most of it in its text only.
fn explain(url: String, error: &git2::Error, said: &str) -> RemoteError {
    let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
    let detail = said.to_owned();
    if error.code() == ErrorCode::Owner {
        let detail =
            "the repository belongs to another user: allow it with `git config --global --add safe.directory PATH`";
        return RemoteError::Authentication { url, detail: detail.to_owned() };
    }
    if has(&["timed out"]) || error.code() == ErrorCode::Timeout {
        return RemoteError::Timeout { url, detail: format!("took too long ({said})") };
    }
    if has(&["failed to resolve address"]) {
        return RemoteError::Network { url, detail: format!("{said}; check the name and the DNS") };
    }
    if has(&["failed to connect"]) {
        return RemoteError::Network { url, detail: format!("{said}; check host, port and firewall") };
    }
    if has(&["not exported", "epository not found", "could not find repository", "does not exist"]) {
        return RemoteError::NotFound { url, detail };
    }
    if error.code() == ErrorCode::NotFound && error.class() == ErrorClass::Repository {
        return RemoteError::NotFound { url, detail: "it is not a Git repository".to_owned() };
    }
    let broken_off = is_broken_off(error) || matches!(error.class(), ErrorClass::Os);
    if broken_off || has(&["socket", "could not read"]) {
        return RemoteError::Network { url, detail: format!("the connection broke off ({said}); try again later") };
    }
    RemoteError::Protocol { url, detail }
}

//! Asking a repository's remote again and again, in a thread of its own: a slow remote must not hold up the table.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nixfleet_core::observe::RepositoryObserver;

#[derive(Debug)]
pub(super) struct RemoteChecks {
    observer: Arc<RepositoryObserver>,
    running_since: Arc<Mutex<Option<Instant>>>,
}

impl RemoteChecks {
    /// Asks at once, and again `interval` after each answer. `on_answer` is called after each, also after a failure.
    pub(super) fn start(
        observer: &Arc<RepositoryObserver>,
        interval: Duration,
        on_answer: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let running_since = Arc::new(Mutex::new(Some(Instant::now())));
        let checks = Self { observer: Arc::clone(observer), running_since: Arc::clone(&running_since) };
        let observer = Arc::clone(observer);
        let set = move |since| *running_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
        thread::Builder::new().name("remote".to_owned()).spawn(move || {
            loop {
                set(Some(Instant::now()));
                observer.check_remote(Timestamp::now());
                set(None);
                on_answer();
                thread::sleep(interval);
            }
        })?;
        Ok(checks)
    }

    /// What to tell people while the remote is asked and does not answer at once.
    pub(super) fn note(&self) -> Option<String> {
        let since = (*self.running_since.lock().unwrap_or_else(PoisonError::into_inner))?;
        let url = self.observer.remote_url()?;
        Some(match since.elapsed().as_secs() {
            0 => format!("reading {url}"),
            seconds => format!("reading {url} for {seconds} s"),
        })
    }
}

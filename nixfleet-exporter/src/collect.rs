//! Collections: scrapes that come together share one, and none waits longer than the limit.
//!
//! A scrape that arrives while a collection runs gets that collection's result; otherwise it starts one. No result is
//! kept: the next scrape sees what is true by then. A collection that hangs is not multiplied: there is at most one
//! thread that observes, later scrapes wait for the same one, each up to its own limit. What a collection brings after
//! more than the limit is thrown away, because its evidence may be as old as its start.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::{Failure, Observe, Snapshot};

/// Takes snapshots of one observer.
pub struct Collection {
    observer: Arc<dyn Observe>,
    limit: Duration,
    running: Mutex<Option<Ticket>>,
}

/// The result of the collection that runs: nothing until it ends.
type Ticket = watch::Receiver<Option<Arc<Snapshot>>>;

impl Collection {
    /// Collections of `observer`, none of which makes a scrape wait longer than `limit`.
    #[must_use]
    pub fn new(observer: Arc<dyn Observe>, limit: Duration) -> Self {
        Self { observer, limit, running: Mutex::new(None) }
    }

    /// A snapshot of now, or, after the limit, one that says that there is none.
    pub async fn snapshot(&self) -> Arc<Snapshot> {
        let deadline = Instant::now() + self.limit;
        loop {
            let mut ticket = match self.join_or_start() {
                Ok(ticket) => ticket,
                Err(failure) => return failed(failure),
            };
            match timeout_at(deadline, ticket.wait_for(Option::is_some)).await {
                Ok(Ok(result)) => {
                    if let Some(snapshot) = result.as_ref() {
                        return Arc::clone(snapshot);
                    }
                }
                // The collection took too long and threw its result away; there is time left for a fresh one.
                Ok(Err(_)) => {}
                Err(_) => {
                    tracing::warn!("a scrape waited {:?} for the observation, which still runs", self.limit);
                    return failed(Failure::TimedOut(self.limit));
                }
            }
        }
    }

    /// The running collection, or a new one.
    fn join_or_start(&self) -> Result<Ticket, Failure> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A result, or a sender that is gone, has ended the collection: what it saw is older than this scrape. The sender
        // alone does not tell, because it goes some time after the result.
        let runs = |ticket: &&Ticket| ticket.borrow().is_none() && ticket.has_changed().is_ok();
        if let Some(ticket) = running.as_ref().filter(runs) {
            return Ok(ticket.clone());
        }
        let (sender, ticket) = watch::channel(None);
        let (observer, limit) = (Arc::clone(&self.observer), self.limit);
        let collect = move || {
            let started = Instant::now();
            let snapshot = Snapshot::take(&*observer);
            if started.elapsed() <= limit {
                sender.send_replace(Some(Arc::new(snapshot)));
            } else {
                tracing::warn!("the observation took {:?}: its result is too old to be shown", started.elapsed());
            }
        };
        // Not one of the runtime's blocking threads: a hung one of those would hold up the program's end.
        if let Err(error) = thread::Builder::new().name("observation".into()).spawn(collect) {
            tracing::error!("cannot start a thread to observe this host: {error}");
            return Err(Failure::NoThread);
        }
        *running = Some(ticket.clone());
        Ok(ticket)
    }
}

fn failed(failure: Failure) -> Arc<Snapshot> {
    Arc::new(Snapshot::failed(failure, Timestamp::now()))
}

impl fmt::Debug for Collection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collection").field("limit", &self.limit).finish_non_exhaustive()
    }
}

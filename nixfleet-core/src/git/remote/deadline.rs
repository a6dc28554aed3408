//! A limit on the whole of an observation that holds whatever a server does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::RemoteError;
use super::http::RunningHttp;
use super::ssh_process::lock;
use super::ssh_transport::RunningSsh;

/// Threads that may be left behind by servers that hold on to a connection. More would be a leak.
const ABANDONED_MAXIMUM: usize = 16;

/// How long a thread that was told to stop is waited for.
const GRACE: Duration = Duration::from_millis(200);

/// Threads that were not waited for, until they have ended.
static ABANDONED: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

fn abandoned() -> usize {
    let mut threads = lock(&ABANDONED);
    threads.retain(|thread| !thread.is_finished());
    threads.len()
}

/// What an observation and the one who waits for it share.
#[derive(Clone)]
pub(super) struct Attempt {
    cancelled: Arc<AtomicBool>,
    /// The `ssh` that it runs.
    pub(super) ssh: RunningSsh,
    /// The HTTP client that it uses.
    pub(super) http: RunningHttp,
    /// When it must be over.
    pub(super) deadline: Instant,
}

impl Attempt {
    /// Whether nobody waits for it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.ssh.stop();
        self.http.stop();
    }
}

/// Runs `work` in a thread of its own and waits for it no longer than `total`.
///
/// `ssh` is killed and connections over http are closed. libgit2's own (`git://`), and a question for the address of a name,
/// cannot be interrupted: a thread that does not stop is left behind; it ends when the server sends something, closes the
/// connection, or is silent for the idle limit.
pub(super) fn within<T: Send + 'static>(
    total: Duration,
    url: &str,
    work: impl FnOnce(&Attempt) -> Result<T, RemoteError> + Send + 'static,
) -> Result<T, RemoteError> {
    let local = |detail: String| RemoteError::Network { url: url.to_owned(), detail };
    if abandoned() >= ABANDONED_MAXIMUM {
        return Err(local(
            "too many earlier connections hang: restart this program when the server is well".to_owned(),
        ));
    }
    // A limit beyond what the clock can hold is no limit that anybody would see.
    let deadline = Instant::now() + total.min(Duration::from_hours(365 * 24));
    let attempt =
        Attempt { cancelled: Arc::default(), ssh: RunningSsh::default(), http: RunningHttp::default(), deadline };
    let (sender, results) = mpsc::channel();
    let in_thread = attempt.clone();
    let thread = std::thread::Builder::new().name("nixfleet-remote".to_owned()).spawn(move || {
        let result = work(&in_thread);
        // Its processes end before it is said to be done.
        in_thread.ssh.stop();
        // Where nobody waits any more the result is for nobody.
        let _ = sender.send(result);
    });
    let thread = thread.map_err(|error| local(format!("no thread can be started ({error}): free some memory")))?;
    let over = || RemoteError::Timeout { url: url.to_owned(), detail: format!("took longer than {total:?}") };
    let result = match results.recv_timeout(total) {
        Err(RecvTimeoutError::Timeout) => {
            attempt.cancel();
            match results.recv_timeout(GRACE) {
                Err(RecvTimeoutError::Timeout) => {
                    lock(&ABANDONED).push(thread);
                    return Err(over());
                }
                Ok(Err(_)) => Err(over()),
                answer => answer.unwrap_or_else(|_| Err(over())),
            }
        }
        answer => answer.unwrap_or_else(|_| Err(local("the look at it ended unexpectedly: report this".to_owned()))),
    };
    // The result is sent as the last thing: this waits for no more than the thread's end.
    let _ = thread.join();
    result
}

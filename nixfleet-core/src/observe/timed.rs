//! Reading a source that may never answer: a network file system that hangs, a disk that dies.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Runs one kind of reading in a thread of its own, at most one at a time.
///
/// A system call that hangs cannot be cancelled; its thread is waited for again at the next reading, instead of another
/// thread being lost to the same source.
#[derive(Debug)]
pub(super) struct Timed<T> {
    pending: Mutex<Option<Receiver<T>>>,
}

/// Why a reading gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TimedError {
    #[error("did not answer within {0:?}: check the file system that it lies on")]
    TimedOut(Duration),
    #[error("could not be read: the reading thread ended early; please report this as a bug")]
    Ended,
}

impl<T: Send + 'static> Timed<T> {
    pub(super) const fn new() -> Self {
        Self { pending: Mutex::new(None) }
    }

    /// The answer of `read` within `limit`. A reading that hangs until now is waited for first, and its answer is not taken:
    /// it may be as old as its start, and tell of a time before this one was asked for.
    pub(super) fn within(&self, limit: Duration, read: impl FnOnce() -> T + Send + 'static) -> Result<T, TimedError> {
        let deadline = Instant::now() + limit;
        let mut pending = self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(hanging) = pending.take()
            && let Err(RecvTimeoutError::Timeout) = hanging.recv_timeout(limit)
        {
            *pending = Some(hanging);
            return Err(TimedError::TimedOut(limit));
        }
        let (sender, receiver) = channel();
        // Nobody may be there to take a late answer.
        thread::Builder::new().spawn(move || drop(sender.send(read()))).map_err(|_| TimedError::Ended)?;
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(value) => Ok(value),
            Err(RecvTimeoutError::Disconnected) => Err(TimedError::Ended),
            Err(RecvTimeoutError::Timeout) => {
                *pending = Some(receiver);
                Err(TimedError::TimedOut(limit))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_source_that_hangs_costs_one_thread_and_is_waited_for_again() {
        let source = Timed::new();
        let started = Arc::new(AtomicU32::new(0));
        let (release, hang) = channel::<()>();
        let count = Arc::clone(&started);
        let slow = move || {
            count.fetch_add(1, Ordering::SeqCst);
            hang.recv().ok();
            "late"
        };
        let limit = Duration::from_millis(20);
        assert_eq!(source.within(limit, slow), Err(TimedError::TimedOut(limit)));
        for _ in 0..10 {
            let count = Arc::clone(&started);
            let again = move || {
                count.fetch_add(1, Ordering::SeqCst);
                "never"
            };
            assert_eq!(source.within(limit, again), Err(TimedError::TimedOut(limit)));
        }
        // On a machine under load it may take its time to begin, and to end.
        while started.load(Ordering::SeqCst) == 0 {
            thread::sleep(limit);
        }
        release.send(()).unwrap();
        thread::sleep(Duration::from_secs(1));
        assert_eq!(started.load(Ordering::SeqCst), 1, "only the first reading was started");
        assert_eq!(
            source.within(Duration::from_mins(1), || "new"),
            Ok("new"),
            "a late answer is not taken for a new one"
        );
    }

    /// What it reads first is of before somebody else changed it; then it hangs, and answers while the next one asks.
    #[test]
    fn an_answer_that_comes_late_is_no_answer_to_a_later_question() {
        let source = Timed::new();
        let (release, hang) = channel::<()>();
        let (begun, begins) = channel();
        let slow = move || {
            begun.send(()).unwrap();
            hang.recv().ok();
            "before"
        };
        let limit = Duration::from_millis(20);
        assert_eq!(source.within(limit, slow), Err(TimedError::TimedOut(limit)));
        begins.recv().unwrap();
        thread::scope(|scope| {
            let asked = scope.spawn(|| source.within(Duration::from_mins(1), || "now"));
            // Whether it asks already makes no difference to what it may be told.
            thread::sleep(Duration::from_millis(200));
            release.send(()).unwrap();
            assert_eq!(asked.join().unwrap(), Ok("now"));
        });
    }

    #[test]
    fn a_reading_that_panics_is_an_error_of_this_source() {
        let source = Timed::<()>::new();
        assert_eq!(source.within(Duration::from_mins(1), || panic!("on purpose")), Err(TimedError::Ended));
        assert_eq!(source.within(Duration::from_mins(1), || ()), Ok(()));
    }
}

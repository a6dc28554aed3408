//! Ctrl-C while many hosts are moved: nothing new is begun, and it is told how things stand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether a signal asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
    ends_at_once: Arc<AtomicBool>,
}

impl Stop {
    /// Listens from now on, to the end of the program.
    pub(crate) fn listen() -> io::Result<Self> {
        let stop = Self { asked: Arc::default(), ends_at_once: Arc::default() };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_conditional_default(signal, Arc::clone(&stop.ends_at_once))?;
            flag::register(signal, Arc::clone(&stop.asked))?;
        }
        Ok(stop)
    }

    /// Whether a signal came.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Does this, during which a signal ends the program at once: nothing is under way.
    pub(crate) fn with_sudden_end<T>(&self, work: impl FnOnce() -> T) -> T {
        self.ends_at_once.store(true, Ordering::SeqCst);
        let done = work();
        self.ends_at_once.store(false, Ordering::SeqCst);
        done
    }
}

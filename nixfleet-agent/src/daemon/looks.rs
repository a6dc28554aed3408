//! Looks of one kind, one after the other, each in a process beside the loop; and what of them is worth a line in the log.

use tokio::task::JoinHandle;

use super::look_process::{BrokenOff, LookProcess};

/// Looks of one kind, with answers `A`.
#[derive(Debug)]
pub(crate) struct Looks<A> {
    process: LookProcess,
    running: Option<JoinHandle<Result<A, BrokenOff>>>,
    /// Said once, not each time.
    last_error: Option<String>,
}

impl<A: Send + 'static> Looks<A> {
    /// None runs yet.
    pub(crate) const fn new(process: LookProcess) -> Self {
        Self { process, running: None, last_error: None }
    }

    /// Whether one runs: another one has to wait.
    pub(crate) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts one, and returns.
    pub(crate) fn start<F>(&mut self, ask: impl FnOnce(&LookProcess) -> F)
    where
        F: Future<Output = Result<A, BrokenOff>> + Send + 'static,
    {
        self.running = Some(tokio::spawn(ask(&self.process)));
    }

    /// The end of the one that runs. Pending while none does.
    pub(crate) async fn end(&mut self) -> Result<A, BrokenOff> {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let ended = running.await;
        self.running = None;
        ended?
    }

    /// Tells an error, where it is another one than before; and what is well again.
    pub(crate) fn tell(&mut self, outcome: Result<String, String>) {
        match outcome {
            Ok(sentence) => {
                if self.last_error.take().is_some() {
                    tracing::info!("{sentence}");
                }
            }
            Err(error) => {
                if self.last_error.as_ref() != Some(&error) {
                    tracing::warn!("{error}");
                }
                self.last_error = Some(error);
            }
        }
    }

    /// What was wrong is no longer asked for.
    pub(crate) fn forget_error(&mut self) {
        self.last_error = None;
    }

    /// Whether the last one failed, as far as it was told.
    pub(crate) const fn fail(&self) -> bool {
        self.last_error.is_some()
    }

    /// What is wrong, as far as it was told.
    #[cfg(test)]
    pub(crate) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Another program, for tests.
    #[cfg(test)]
    pub(crate) fn with_program(self, program: std::path::PathBuf) -> Self {
        Self { process: self.process.with_program(program), ..self }
    }
}

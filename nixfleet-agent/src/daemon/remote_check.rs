//! Looking at the remote: when, and in a process beside the loop.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::observation::RemoteAttempt;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::due::Due;
use super::look::{Question, RemoteAnswer};
use super::look_process::{BrokenOff, LookProcess};
use super::schedule;
use crate::steps::Look;

/// It keeps to its own limit; this is for one that does not come to that.
const LIMIT_BEYOND_ITS_OWN: Duration = Duration::from_secs(15);

/// The looks at the remote, one after the other.
#[derive(Debug)]
pub(crate) struct RemoteCheck {
    runtime: RuntimeDirectory,
    process: LookProcess,
    running: Option<JoinHandle<Result<RemoteAnswer, BrokenOff>>>,
    due: Due,
    /// It was asked for while one ran, which may have come too early.
    again: bool,
    /// Said once, not each time.
    last_error: Option<String>,
}

impl RemoteCheck {
    /// Due when the last attempt says so, whoever made it: a new start of the agent does not ask the remote once more. After
    /// a failure it does: somebody may have renewed a token, and then started the agent anew.
    pub(crate) fn new(config: &HostConfig, state: &StateDirectory, runtime: &RuntimeDirectory) -> Self {
        let mut check = Self {
            runtime: runtime.clone(),
            process: LookProcess::new(Look::Remote, state, runtime),
            running: None,
            due: Due::after(Duration::ZERO),
            again: false,
            last_error: None,
        };
        if let Some((pause, since)) = check.pause_and_age(config).filter(|_| !check.failed_before()) {
            check.due = Due::after(pause.saturating_sub(since));
        }
        check
    }

    /// When it wants to be started; absent while it runs.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.running.is_none().then_some(self.due.instant())
    }

    /// The same as people read it.
    pub(crate) const fn due_at(&self) -> Timestamp {
        self.due.timestamp()
    }

    /// At once, or as soon as the one that runs is done.
    pub(crate) fn make_due(&mut self) {
        self.again = self.running.is_some();
        self.due = Due::after(Duration::ZERO);
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self) -> bool {
        self.running.is_none() && self.due.has_come()
    }

    /// Whether the last one failed.
    pub(crate) const fn fails(&self) -> bool {
        self.last_error.is_some()
    }

    /// Starts it, and returns.
    pub(crate) fn start(&mut self, config: &HostConfig) {
        let limit = Duration::from_secs(config.remote.total_timeout_seconds).saturating_add(LIMIT_BEYOND_ITS_OWN);
        let question = Question::new(config, None);
        self.running = Some(tokio::spawn(self.process.ask(&question, limit)));
    }

    /// Its end. Pending while none runs.
    pub(crate) async fn finished(&mut self, config: &HostConfig) {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let ended = running.await;
        self.running = None;
        let outcome = match ended {
            Ok(Ok(answer)) => answer,
            Ok(Err(broken_off)) => {
                if !broken_off.is_wish() {
                    self.record_failure(&broken_off);
                }
                Err(broken_off.to_string())
            }
            Err(error) => Err(format!("the look at the remote broke off: {error}")),
        };
        match outcome {
            Ok(sentence) => {
                if self.last_error.take().is_some() {
                    tracing::info!("the remote can be read again: {sentence}");
                }
            }
            Err(error) => {
                if self.last_error.as_ref() != Some(&error) {
                    tracing::warn!("{error}");
                }
                self.last_error = Some(error);
            }
        }
        let interval = Duration::from_secs(config.agent.interval_seconds);
        let pause = self.pause_and_age(config).map_or(interval, |(pause, _)| pause);
        let again = std::mem::take(&mut self.again);
        self.due = Due::after(if again { Duration::ZERO } else { pause });
    }

    /// For a look that did not come to it.
    fn record_failure(&self, broken_off: &BrokenOff) {
        let previous = self.runtime.read_remote_attempt().ok().flatten();
        let attempt = RemoteAttempt::failed(previous.as_ref(), Timestamp::now(), broken_off.to_string());
        if let Err(error) = self.runtime.write_remote_attempt(&attempt) {
            tracing::error!("{error}");
        }
    }

    fn failed_before(&self) -> bool {
        self.runtime.read_remote_attempt().ok().flatten().is_some_and(|attempt| attempt.error.is_some())
    }

    /// How long the last attempt is to be followed by none, and how long ago it was.
    fn pause_and_age(&self, config: &HostConfig) -> Option<(Duration, Duration)> {
        let attempt = self.runtime.read_remote_attempt().ok()??;
        let number = attempt.succeeded_total.wrapping_add(attempt.failed_total);
        let interval = Duration::from_secs(config.agent.interval_seconds);
        let pause = schedule::pause(interval, attempt.failures_in_a_row, &config.host_name(), number);
        let age = Duration::try_from(Timestamp::now().duration_since(attempt.at)).unwrap_or_default();
        Some((pause, age))
    }
}

//! Asking GitHub for open pull requests: when, and in a thread beside the loop.

use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::github::KnownAnswers;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::due::Due;
use super::schedule;
use crate::pull_requests;

/// The looks at GitHub, one after the other; none where `github.enable` is off.
#[derive(Debug)]
pub(crate) struct PullRequestCheck {
    state: StateDirectory,
    runtime: RuntimeDirectory,
    running: Option<JoinHandle<(KnownAnswers, Result<usize, String>)>>,
    due: Option<Due>,
    /// Between two looks.
    known: KnownAnswers,
    /// What was asked with these settings is known of them only.
    settings: Option<HostConfig>,
    /// Said once, not each time.
    last_error: Option<String>,
}

impl PullRequestCheck {
    /// Due when the last attempt says so: a new start of the agent does not ask once more.
    pub(crate) fn new(config: &HostConfig, state: &StateDirectory, runtime: &RuntimeDirectory) -> Self {
        let mut check = Self {
            state: state.clone(),
            runtime: runtime.clone(),
            running: None,
            due: None,
            known: KnownAnswers::default(),
            settings: None,
            last_error: None,
        };
        check.plan(config);
        check
    }

    /// When it wants to be started; absent while it runs, and where GitHub is not asked.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.running.is_none()).map(Due::instant)
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self) -> bool {
        self.running.is_none() && self.due.is_some_and(Due::has_come)
    }

    /// As soon as it may be: GitHub's limit of requests holds for a person who reloads, too.
    pub(crate) fn make_due(&mut self, config: &HostConfig) {
        self.due = config.github.enable.then(|| Due::after(Duration::ZERO));
    }

    /// The configuration is another one.
    pub(crate) fn take_in(&mut self, config: &HostConfig) {
        if !config.github.enable {
            self.due = None;
            self.known = KnownAnswers::default();
            self.last_error = None;
        } else if self.due.is_none() {
            self.due = Some(Due::after(Duration::ZERO));
        }
    }

    /// Starts it, and returns.
    pub(crate) fn start(&mut self, config: &HostConfig) {
        if self.settings.as_ref() != Some(config) {
            // An entity tag of another token or repository is worth nothing.
            self.known = KnownAnswers::default();
            self.settings = Some(config.clone());
        }
        let (config, state, runtime) = (config.clone(), self.state.clone(), self.runtime.clone());
        let mut known = std::mem::take(&mut self.known);
        self.running = Some(tokio::task::spawn_blocking(move || {
            let outcome = pull_requests::look(&config, &state, &runtime, &mut known);
            (known, outcome.map_err(|error| error.to_string()))
        }));
    }

    /// Its end. Pending while none runs.
    pub(crate) async fn finished(&mut self, config: &HostConfig) {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let ended = running.await;
        self.running = None;
        let outcome = match ended {
            Ok((known, outcome)) => {
                self.known = known;
                outcome
            }
            Err(error) => Err(format!("asking GitHub broke off: {error}")),
        };
        match outcome {
            Ok(open) => {
                if self.last_error.take().is_some() {
                    tracing::info!("GitHub answers again: {open} open pull requests update flake.lock");
                }
            }
            Err(error) => {
                if self.last_error.as_ref() != Some(&error) {
                    tracing::warn!("{error}");
                }
                self.last_error = Some(error);
            }
        }
        self.plan(config);
        // The state of the host is looked at anew then, but not before GitHub may be asked again.
        if self.due.is_none() && config.github.enable {
            self.due = Some(Due::after(Duration::from_secs(config.github.interval_seconds)));
        }
    }

    /// From the last attempt: after the interval, later while it fails, and not before GitHub allows it.
    fn plan(&mut self, config: &HostConfig) {
        if !config.github.enable {
            self.due = None;
            return;
        }
        let interval = Duration::from_secs(config.github.interval_seconds);
        let Some(last) = self.runtime.read_pull_request_attempt().ok().flatten() else {
            // Without a record only a look that could not even begin is known of.
            let pause = if self.last_error.is_some() { interval } else { Duration::ZERO };
            self.due = Some(Due::after(pause));
            return;
        };
        let attempt = &last.attempt;
        let number = attempt.succeeded_total.wrapping_add(attempt.failed_total);
        let host = format!("github {}", config.host_name());
        let pause = schedule::pause(interval, attempt.failures_in_a_row, &host, number);
        let now = Timestamp::now();
        let age = Duration::try_from(now.duration_since(attempt.at)).unwrap_or_default();
        let allowed =
            last.not_before.and_then(|at| Duration::try_from(at.duration_since(now)).ok()).unwrap_or_default();
        self.due = Some(Due::after(pause.saturating_sub(age).max(allowed)));
    }
}

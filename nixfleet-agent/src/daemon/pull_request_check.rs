//! Asking GitHub for open pull requests: when, and in a process beside the loop.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::git;
use nixfleet_core::observation::{PullRequestAttempt, RemoteAttempt};
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use tokio::time::Instant;

use super::due::Due;
use super::look::{PullRequestAnswer, Question};
use super::look_process::{BrokenOff, LookProcess};
use super::looks::Looks;
use super::schedule;
use super::told_by_github::ToldByGithub;
use crate::github_asking::allowed_in;
use crate::pull_requests::LOOK_LIMIT;
use crate::steps::Look;

/// The look keeps to its own limit; this is for one that does not come to that.
const LIMIT_BEYOND_ITS_OWN: Duration = Duration::from_secs(15);

/// The looks at GitHub, one after the other; none where `github.enable` is off.
#[derive(Debug)]
pub(crate) struct PullRequestCheck {
    runtime: RuntimeDirectory,
    looks: Looks<PullRequestAnswer>,
    due: Option<Due>,
    told: ToldByGithub,
}

impl PullRequestCheck {
    /// Due when the last attempt says so: a new start of the agent does not ask once more. After a failure it does, as soon
    /// as GitHub allows.
    pub(crate) fn new(config: &HostConfig, state: &StateDirectory, runtime: &RuntimeDirectory) -> Self {
        let mut check = Self {
            runtime: runtime.clone(),
            looks: Looks::new(LookProcess::new(Look::PullRequests, state, runtime)),
            due: None,
            told: ToldByGithub::default(),
        };
        let last = check.last_attempt();
        let age = |last: &PullRequestAttempt| Timestamp::now().duration_since(last.attempt.at);
        let left = last.map_or(Duration::ZERO, |last| {
            let age = Duration::try_from(age(&last)).unwrap_or_default();
            let left = if last.attempt.error.is_some() { Duration::ZERO } else { pause(config, &last) };
            left.saturating_sub(age).max(allowed_in(last.attempt.not_before))
        });
        check.due = config.github.enable.then(|| Due::after(left));
        check
    }

    /// When it wants to be started; absent while it runs, and where GitHub is not asked.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.looks.is_running()).map(Due::instant)
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self) -> bool {
        !self.looks.is_running() && self.due.is_some_and(Due::has_come)
    }

    /// Whether it may as well be made now, since the agent is awake, and GitHub allows it.
    pub(crate) fn is_due_soon(&self, config: &HostConfig) -> bool {
        let slack = schedule::slack(Duration::from_secs(config.github.interval_seconds));
        !self.looks.is_running()
            && self.due.is_some_and(|due| due.comes_within(slack))
            && self.last_attempt().is_none_or(|last| allowed_in(last.attempt.not_before).is_zero())
    }

    /// As soon as it may be: GitHub's limit of requests holds for a person who reloads, too.
    pub(crate) fn make_due(&mut self, config: &HostConfig) {
        self.due = config.github.enable.then(|| Due::after(Duration::ZERO));
    }

    /// The configuration is another one.
    pub(crate) fn take_in(&mut self, config: &HostConfig) {
        if !config.github.enable {
            self.due = None;
            self.told = ToldByGithub::default();
            self.looks.forget_error();
        } else if self.due.is_none() {
            self.due = Some(Due::after(Duration::ZERO));
        }
    }

    /// Whether the last one failed.
    pub(crate) const fn fails(&self) -> bool {
        self.looks.fail()
    }

    /// Starts it, and returns.
    pub(crate) fn start(&mut self, config: &HostConfig) {
        let question = Question { known: Some(Cow::Borrowed(self.told.with(config))), ..Question::new(config) };
        self.looks.start(|process| process.ask(&question, LOOK_LIMIT + LIMIT_BEYOND_ITS_OWN));
    }

    /// Its end. Pending while none runs.
    pub(crate) async fn finished(&mut self, config: &HostConfig) {
        let outcome = match self.looks.end().await {
            Ok(answer) => {
                self.told.keep(answer.known);
                answer.open
            }
            Err(broken_off) => {
                if !broken_off.is_wish() {
                    self.record_failure(config, &broken_off);
                }
                Err(broken_off.to_string())
            }
        };
        let told = |open| format!("GitHub answers again: {open} open pull requests update flake.lock");
        self.looks.tell(outcome.map(told));
        // A whole pause, whatever the record says: one that cannot be written must not lead to request after request.
        let interval = Duration::from_secs(config.github.interval_seconds);
        let pause =
            self.last_attempt().map_or(interval, |last| pause(config, &last).max(allowed_in(last.attempt.not_before)));
        self.due = config.github.enable.then(|| Due::after(pause));
    }

    /// For a look that did not come to it. Of which remote it is the configuration knows, or the last attempt.
    fn record_failure(&self, config: &HostConfig, broken_off: &BrokenOff) {
        let previous = self.last_attempt();
        let configured = config.repository.url.as_deref().map(git::redact_url);
        let Some(remote_url) = configured.or_else(|| Some(previous.as_ref()?.remote_url.clone())) else { return };
        let previous = previous.filter(|attempt| attempt.remote_url == remote_url);
        let before = previous.as_ref().map(|attempt| &attempt.attempt);
        let attempt = RemoteAttempt::failed(before, Timestamp::now(), broken_off.to_string());
        let attempt = PullRequestAttempt { attempt, remote_url };
        if let Err(error) = self.runtime.write_pull_request_attempt(&attempt) {
            tracing::error!("{error}");
        }
    }

    fn last_attempt(&self) -> Option<PullRequestAttempt> {
        self.runtime.read_pull_request_attempt().ok().flatten()
    }
}

/// From the last attempt: after the interval, later while it fails.
fn pause(config: &HostConfig, last: &PullRequestAttempt) -> Duration {
    let attempt = &last.attempt;
    let number = attempt.succeeded_total.wrapping_add(attempt.failed_total);
    let interval = Duration::from_secs(config.github.interval_seconds);
    schedule::pause(interval, attempt.failures_in_a_row, &format!("github {}", config.host_name()), number)
}

#[cfg(test)]
mod tests {
    use nixfleet_core::github::KnownAnswers;
    use nixfleet_core::observation::RemoteAttempt;

    use super::super::look_process::tests::program;
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_recorded_does_not_lead_to_request_after_request() {
        let directory = tempfile::tempdir().unwrap();
        let (state, runtime) =
            (StateDirectory::new(directory.path().join("state")), RuntimeDirectory::new(directory.path().join("run")));
        let mut config = HostConfig::default();
        config.repository.url = Some("/srv/fleet.git".to_owned());
        let check = PullRequestCheck::new(&config, &state, &runtime);
        assert_eq!(check.due(), None, "it is off");

        config.github.enable = true;
        let refusal = "/srv/fleet.git is not a repository on GitHub";
        let known = serde_json::to_value(KnownAnswers::default()).unwrap();
        let answer = serde_json::json!({ "known": known, "open": { "Err": refusal } });
        // The first one answers and records nothing, the second one breaks off.
        let ends = [(format!("echo '{answer}'"), refusal), ("exit 3".to_owned(), "exit status: 3")];
        let mut check = PullRequestCheck::new(&config, &state, &runtime);
        for (end, error) in &ends {
            assert!(check.looks.last_error().is_some() || check.is_due(), "at once, where nothing is known");
            let other = program(directory.path(), &format!("cat > /dev/null; {end}"));
            check.looks = check.looks.with_program(other);
            check.start(&config);
            assert_eq!(check.due(), None, "one at a time");
            check.finished(&config).await;
            assert!(check.looks.last_error().unwrap().contains(error), "{check:?}");
            assert!(check.due().unwrap() > Instant::now() + Duration::from_secs(200), "{check:?}");
            assert!(!check.is_due_soon(&config), "{check:?}");
        }

        std::fs::create_dir(&runtime.path).unwrap();
        check.start(&config);
        check.finished(&config).await;
        let recorded = runtime.read_pull_request_attempt().unwrap().unwrap();
        assert!(recorded.attempt.error.unwrap().contains("exit status: 3"));
        assert_eq!(recorded.remote_url, "/srv/fleet.git");

        // A restart goes by the record, and by what GitHub said.
        let at = Timestamp::now() - jiff::SignedDuration::from_mins(1);
        let attempt = RemoteAttempt::succeeded(None, at);
        let mut recorded = PullRequestAttempt { attempt, remote_url: "/srv/fleet.git".to_owned() };
        runtime.write_pull_request_attempt(&recorded).unwrap();
        let due = PullRequestCheck::new(&config, &state, &runtime).due().unwrap() - Instant::now();
        assert!((120..=275).contains(&due.as_secs()), "{due:?}");

        // Together with another look, where GitHub did not say when.
        let left = Duration::from_secs(30);
        recorded.attempt.at = Timestamp::now() - pause(&config, &recorded) + left;
        for (not_before, soon) in [(None, true), (Some(Timestamp::now() + jiff::SignedDuration::from_secs(20)), false)]
        {
            recorded.attempt.not_before = not_before;
            runtime.write_pull_request_attempt(&recorded).unwrap();
            let check = PullRequestCheck::new(&config, &state, &runtime);
            assert_eq!((check.is_due(), check.is_due_soon(&config)), (false, soon), "{not_before:?}");
        }
        recorded.attempt.not_before = Some(Timestamp::now() + jiff::SignedDuration::from_mins(50));
        runtime.write_pull_request_attempt(&recorded).unwrap();
        let due = PullRequestCheck::new(&config, &state, &runtime).due().unwrap() - Instant::now();
        assert!((2880..=3000).contains(&due.as_secs()), "{due:?}");
    }
}

//! Looking at the remote: when, and in a process beside the loop.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use nixfleet_core::config::HostConfig;
use nixfleet_core::observation::RemoteAttempt;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use tokio::time::Instant;

use super::HOST_LIMIT;
use super::due::Due;
use super::look::{HostAnswer, Question, RemoteAnswer};
use super::look_process::{BrokenOff, LookProcess};
use super::looks::Looks;
use super::schedule;
use super::told_by_github::ToldByGithub;
use crate::github_asking;
use crate::steps::Look;

/// It keeps to its own limit; this is for one that does not come to that.
const LIMIT_BEYOND_ITS_OWN: Duration = Duration::from_secs(15);

/// What the remote said, and then what is to be done next.
type Answers = (RemoteAnswer, Result<HostAnswer, BrokenOff>);

/// The looks at the remote, one after the other.
#[derive(Debug)]
pub(crate) struct RemoteCheck {
    runtime: RuntimeDirectory,
    looks: Looks<Answers>,
    due: Due,
    /// It was asked for while one ran, which may have come too early.
    again: bool,
    /// What the one that runs decides is of no use: it does not know all that the agent does by now.
    is_outdated: bool,
    /// Where it is GitHub who is asked.
    told: ToldByGithub,
}

impl RemoteCheck {
    /// Due when the last attempt says so, whoever made it: a new start of the agent does not ask the remote once more. After
    /// a failure it does: somebody may have renewed a token, and then started the agent anew.
    pub(crate) fn new(config: &HostConfig, state: &StateDirectory, runtime: &RuntimeDirectory) -> Self {
        let mut check = Self {
            runtime: runtime.clone(),
            looks: Looks::new(LookProcess::new(Look::Remote, state, runtime)),
            due: Due::after(Duration::ZERO),
            again: false,
            is_outdated: false,
            told: ToldByGithub::default(),
        };
        let rest = check.pause_and_age(config).filter(|_| !check.failed_before());
        let rest = rest.map_or(Duration::ZERO, |(pause, since)| pause.saturating_sub(since));
        check.due = Due::after(rest.max(check.allowed_in(config)));
        check
    }

    /// When it wants to be started; absent while it runs.
    pub(crate) fn due(&self) -> Option<Instant> {
        (!self.looks.is_running()).then_some(self.due.instant())
    }

    /// The same as people read it.
    pub(crate) const fn due_at(&self) -> Timestamp {
        self.due.timestamp()
    }

    /// At once, or as soon as the one that runs is done.
    pub(crate) fn make_due(&mut self) {
        self.again = self.looks.is_running();
        self.due = Due::after(Duration::ZERO);
    }

    /// The configuration is another one.
    pub(crate) const fn outdate(&mut self) {
        self.is_outdated = true;
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self) -> bool {
        !self.looks.is_running() && self.due.has_come()
    }

    /// Whether it may as well be made now, since the agent is awake.
    pub(crate) fn is_due_soon(&self, config: &HostConfig) -> bool {
        let slack = schedule::slack(Duration::from_secs(config.agent.interval_seconds));
        !self.looks.is_running()
            && (self.due.has_come() || self.due.comes_within(slack) && self.allowed_in(config).is_zero())
    }

    /// Whether the last one failed.
    pub(crate) const fn fails(&self) -> bool {
        self.looks.fail()
    }

    /// Starts it, and returns. `asked_again_at` is when a person last asked for another try.
    pub(crate) fn start(&mut self, config: &HostConfig, asked_again_at: Option<Timestamp>) {
        let limit = Duration::from_secs(config.remote.total_timeout_seconds).saturating_add(LIMIT_BEYOND_ITS_OWN);
        let known = self.told.with(config);
        let known = config.github.as_remote.then_some(Cow::Borrowed(known));
        let question = Question { known, ..Question::to_decide(config, asked_again_at) };
        self.is_outdated = false;
        self.looks.start(|process| process.ask_and_decide(&question, limit, HOST_LIMIT));
    }

    /// Its end, and what is to be done next; that is absent where this host has to be looked at anew. Pending while none
    /// runs.
    pub(crate) async fn finished(&mut self, config: &HostConfig) -> Option<HostAnswer> {
        let (outcome, next) = match self.looks.end().await {
            Ok((answer, next)) => {
                self.told.keep(answer.known.unwrap_or_default());
                (answer.tip, Some(next.map_err(|error| error.to_string()).flatten()))
            }
            Err(broken_off) => {
                if !broken_off.is_wish() {
                    self.record_failure(&broken_off);
                }
                (Err(broken_off.to_string()), None)
            }
        };
        self.looks.tell(outcome.map(|sentence| format!("the remote can be read again: {sentence}")));
        let interval = Duration::from_secs(config.agent.interval_seconds);
        let pause = self.pause_and_age(config).map_or(interval, |(pause, _)| pause).max(self.allowed_in(config));
        let again = std::mem::take(&mut self.again);
        self.due = Due::after(if again { Duration::ZERO } else { pause });
        next.filter(|_| !self.is_outdated)
    }

    /// For a look that did not come to it.
    fn record_failure(&self, broken_off: &BrokenOff) {
        let now = Timestamp::now();
        let failed = |before: Option<&RemoteAttempt>| RemoteAttempt::failed(before, now, broken_off.to_string());
        if let Err(error) = self.runtime.add_remote_attempt(failed) {
            tracing::error!("{error}");
        }
    }

    fn failed_before(&self) -> bool {
        self.runtime.read_remote_attempt().ok().flatten().is_some_and(|attempt| attempt.error.is_some())
    }

    /// How long until GitHub's limit of requests allows the next one, where it is who is asked. A person who reloads does not
    /// wait: that look says why it asks nobody.
    fn allowed_in(&self, config: &HostConfig) -> Duration {
        let last = self.runtime.read_remote_attempt().ok().flatten().filter(|_| config.github.as_remote);
        github_asking::allowed_in(last.and_then(|attempt| attempt.not_before))
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use nixfleet_core::github::KnownAnswers;

    use super::super::look_process::tests::program;
    use super::*;

    #[tokio::test]
    async fn a_limit_of_github_is_waited_for_and_what_it_told_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (state, runtime) = (StateDirectory::new(directory.path()), RuntimeDirectory::new(directory.path()));
        let mut config = HostConfig::default();
        let in_minutes = |minutes| Timestamp::now() + SignedDuration::from_mins(minutes);
        let limited = RemoteAttempt::failed(None, Timestamp::now(), "limit").not_before(Some(in_minutes(50)));
        runtime.write_remote_attempt(&limited).unwrap();
        assert!(RemoteCheck::new(&config, &state, &runtime).is_due(), "Git knows of no such limit");
        config.github.as_remote = true;
        let mut check = RemoteCheck::new(&config, &state, &runtime);
        let due = |check: &RemoteCheck| check.due().unwrap() - Instant::now();
        assert!((2880..=3000).contains(&due(&check).as_secs()), "{:?}", due(&check));
        config.agent.interval_seconds = 5 * 3600;
        assert!(!check.is_due_soon(&config), "not even together with another look");

        // What a look knows the next one is told, and only of the same settings.
        let mut known = KnownAnswers::default();
        known.ask_not_before(in_minutes(60));
        let asked = directory.path().join("asked");
        let answer = serde_json::json!({ "known": known, "tip": { "Err": "limit" } });
        let script = format!("cat > {}; echo '{answer}'; echo '{{\"Err\":\"no\"}}'", asked.display());
        check.looks = check.looks.with_program(program(directory.path(), &script));
        for (interval, is_told) in [(300, false), (300, true), (600, false)] {
            config.agent.interval_seconds = interval;
            check.start(&config, None);
            assert_eq!(check.finished(&config).await.unwrap().unwrap_err(), "no");
            let asked: serde_json::Value = serde_json::from_slice(&std::fs::read(&asked).unwrap()).unwrap();
            assert_eq!(asked["known"]["not_before"].is_string(), is_told, "{asked}");
            assert!(due(&check) > Duration::from_mins(48), "{:?}", due(&check));
        }
        // A person who reloads is told why at once.
        check.make_due();
        assert!(check.is_due() && check.is_due_soon(&config));
        config.github.as_remote = false;
        check.start(&config, None);
        check.finished(&config).await.unwrap().unwrap_err();
        let asked: serde_json::Value = serde_json::from_slice(&std::fs::read(&asked).unwrap()).unwrap();
        assert_eq!(asked["known"], serde_json::Value::Null, "{asked}");
    }
}

//! The loop of the agent: wake up, look, start what is to be started, sleep.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use nixfleet_core::config::{self, HostConfig};
use nixfleet_core::observation::Operation;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::bus::Bus;
use super::evidence::JournalStamp;
use super::heartbeat::{self, Heartbeat};
use super::look::{Decided, HostAnswer, Question};
use super::look_process::LookProcess;
use super::policy::{Decision, Next};
use super::pull_request_check::PullRequestCheck;
use super::remote_check::RemoteCheck;
use super::replacement::{OwnCredentials, passed_at};
use super::running_system::{self, RunningSystem};
use super::signals::{Asked, Signals};
use super::start_pause::StartPause;
use super::systemd::{Event, SystemdError, UnitState};
use super::{DaemonError, HOST_LIMIT, notify, replacement};
use crate::steps::{Arguments, Look};

/// After the end of a job its unit may still record the result: the agent looks again after this, and after twice as
/// long each time, …
const FIRST_SETTLING: Duration = Duration::from_millis(250);
/// … so many times. Later it looks with each sign of life.
const SETTLING_LOOKS: u32 = 7;

/// The environment variable that names another bus than the system's, for tests.
const BUS_VARIABLE: &str = "NIXFLEET_BUS_ADDRESS";

/// The agent.
#[derive(Debug)]
pub(super) struct Agent {
    config_path: PathBuf,
    unit: String,
    state: StateDirectory,
    config: HostConfig,
    host: LookProcess,
    heartbeat: Heartbeat,
    next_beat: Instant,
    check: RemoteCheck,
    pull_requests: PullRequestCheck,
    bus: Bus,
    credentials: OwnCredentials,
    look_at: Option<Instant>,
    /// Of the look that ended just now.
    answer: Option<HostAnswer>,
    settling: u32,
    start_pause: StartPause,
    last: Option<Decision>,
    last_stamp: Option<JournalStamp>,
    running_system: RunningSystem,
    config_problem: Option<String>,
    /// When a person last asked for another try, by a reload or another configuration.
    asked_again_at: Option<Timestamp>,
}

/// Whether the agent goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    GoesOn,
    Replaced,
}

impl Agent {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, DaemonError> {
        let config = config::read(&arguments.config)?;
        let state = StateDirectory::new(&arguments.state_directory);
        let runtime = RuntimeDirectory::new(&arguments.runtime_directory);
        Ok(Self {
            host: LookProcess::new(Look::Host, &state, &runtime),
            next_beat: Instant::now(),
            check: RemoteCheck::new(&config, &state, &runtime),
            pull_requests: PullRequestCheck::new(&config, &state, &runtime),
            bus: Bus::new(std::env::var(BUS_VARIABLE).ok()),
            config_path: arguments.config.clone(),
            unit: arguments.unit(),
            credentials: OwnCredentials::of_agent_started_at(passed_at(SystemTime::now())),
            heartbeat: Heartbeat::new(runtime, Timestamp::now()),
            state,
            config,
            look_at: Some(Instant::now()),
            answer: None,
            settling: 0,
            start_pause: StartPause::default(),
            last: None,
            last_stamp: None,
            running_system: RunningSystem::of(running_system::LINK.as_ref()),
            config_problem: None,
            asked_again_at: None,
        })
    }

    /// Until it is told to end, or is replaced.
    pub(super) async fn run(mut self, mut signals: Signals) -> Result<(), DaemonError> {
        let alarm = Alarm::new().map_err(DaemonError::Start)?;
        self.beat();
        notify::ready("starting");
        tracing::info!("nixfleet-agent {} for {}", env!("CARGO_PKG_VERSION"), self.config.host_name());
        loop {
            let wake_up = self.wake_up_at();
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Stop => {
                        notify::stopping("asked to stop");
                        return Ok(());
                    }
                    Asked::Reload => self.reload(),
                },
                event = self.bus.next_event() => self.take_in(&event).await,
                next = self.check.finished(&self.config) => match next {
                    Some(answer) => self.answer = Some(answer),
                    None => self.look_soon(Duration::ZERO),
                },
                () = self.pull_requests.finished(&self.config) => {
                    if self.has_renewed_credentials() {
                        self.look_soon(Duration::ZERO);
                    }
                }
                slept = alarm.sleep_until(wake_up) => slept.map_err(DaemonError::Start)?,
            }
            if self.do_what_is_due().await == Life::Replaced {
                tracing::info!("another nixfleet-agent takes over");
                notify::stopping("another nixfleet-agent takes over");
                return Ok(());
            }
        }
    }

    fn wake_up_at(&self) -> Instant {
        let others = [self.check.due(), self.pull_requests.due(), self.look_at, self.bus.retry_at()];
        others.into_iter().flatten().fold(self.next_beat, Instant::min)
    }

    async fn do_what_is_due(&mut self) -> Life {
        let now = Instant::now();
        if self.bus.retry_at().is_some_and(|at| at <= now) && self.bus.reconnect().await {
            self.look_soon(Duration::ZERO);
        }
        if self.check.is_due() || self.pull_requests.is_due() {
            self.read_config();
            // Together, where both are near: see `schedule::slack`.
            if self.check.is_due_soon(&self.config) {
                self.check.start(&self.config, self.asked_again_at);
            }
            let asks_github = self.pull_requests.is_due() || self.pull_requests.is_due_soon(&self.config);
            if self.config.github.enable && asks_github {
                self.pull_requests.start(&self.config);
            }
        }
        if now >= self.next_beat {
            self.beat();
            // Where the unit is gone with the old system, systemd hears no sign of life any more: before its watchdog bites.
            if self.running_system.has_changed(running_system::LINK.as_ref()) || self.has_reason_to_look() {
                self.look_soon(Duration::ZERO);
            }
        }
        let answer = self.answer.take();
        if answer.is_some() && now + self.beat_interval() / 2 >= self.next_beat {
            // The next one is then a wake-up less.
            self.beat();
        }
        if self.look_at.is_some_and(|at| at <= now) {
            // It was asked for since: the one that is there may have come too early.
            self.look_at = None;
            return self.look().await;
        }
        match answer {
            Some(answer) => self.follow(answer).await,
            None => Life::GoesOn,
        }
    }

    fn beat(&mut self) {
        notify::watchdog();
        self.heartbeat.beat(Timestamp::now(), Some(self.check.due_at()));
        self.next_beat = Instant::now() + self.beat_interval();
    }

    fn beat_interval(&self) -> Duration {
        heartbeat::interval(self.config.agent.heartbeat_deadline_seconds, notify::watchdog_interval())
    }

    /// What no signal tells: time passed, or an operation wrote to the journal.
    fn has_reason_to_look(&self) -> bool {
        let Some(last) = &self.last else { return true };
        last.look_again_at.is_some_and(|at| at <= Timestamp::now())
            || matches!(last.next, Next::Wait(_))
            || JournalStamp::of(&self.state) != self.last_stamp
            || self.has_renewed_credentials()
    }

    /// Whether a new start may help. While all goes well none is needed: agenix and sops-nix write all files anew at each
    /// switch.
    fn has_renewed_credentials(&self) -> bool {
        (self.check.fails() || self.pull_requests.fails()) && self.credentials.are_renewed()
    }

    async fn take_in(&mut self, event: &Event) {
        match event {
            Event::JobRemoved { unit, result } => self.tell_end_of(unit, result).await,
            Event::ManagerAppeared => self.bus.subscribe_again().await,
            Event::BusGone => {}
        }
        self.settling = 0;
        self.look_soon(FIRST_SETTLING);
    }

    /// For the log only: what became of the operation is in the journal of operations.
    async fn tell_end_of(&self, unit: &str, job_result: &str) {
        let Some(systemd) = self.bus.systemd() else { return };
        match systemd.unit_state(unit).await {
            Ok(UnitState { active_state, result, invocation_id }) => {
                tracing::info!("{unit}: job {job_result}, {active_state}, result {result}, invocation {invocation_id}");
            }
            Err(error) => tracing::info!("{unit}: job {job_result}; {error}"),
        }
    }

    fn look_soon(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.look_at = Some(self.look_at.map_or(at, |before| before.min(at)));
    }

    /// A job's end, or a start, is followed by looks until the operation is in the journal with its result.
    fn look_while_it_settles(&mut self) {
        if self.settling < SETTLING_LOOKS {
            let pause = FIRST_SETTLING.saturating_mul(2_u32.saturating_pow(self.settling));
            self.settling += 1;
            self.look_soon(pause);
        }
    }

    fn reload(&mut self) {
        notify::reloading();
        self.ask_again();
        self.read_config();
        self.check.make_due();
        self.pull_requests.make_due(&self.config);
        // What was decided holds until the next look, which tells it only where it is something new.
        notify::ready(self.last.as_ref().map_or("starting", Decision::words));
    }

    /// Whatever waits because it failed before is tried at once.
    fn ask_again(&mut self) {
        self.asked_again_at = Some(Timestamp::now());
        self.start_pause = StartPause::default();
        self.check.outdate();
    }

    /// A switch may have brought another configuration for the same agent.
    fn read_config(&mut self) {
        match config::read(&self.config_path) {
            Ok(config) => {
                self.config_problem = None;
                if config != self.config {
                    tracing::info!("the configuration is another one now");
                    self.config = config;
                    self.ask_again();
                    self.pull_requests.take_in(&self.config);
                    self.look_soon(Duration::ZERO);
                }
            }
            Err(error) => {
                let problem = error.to_string();
                if self.config_problem.as_ref() != Some(&problem) {
                    tracing::error!("{problem}; the former configuration stays in use");
                }
                self.config_problem = Some(problem);
            }
        }
    }

    async fn look(&mut self) -> Life {
        let question = Question::to_decide(&self.config, self.asked_again_at);
        let answer = self.host.ask::<HostAnswer>(&question, HOST_LIMIT).await;
        self.follow(answer.map_err(|error| error.to_string()).flatten()).await
    }

    /// Does what was decided.
    async fn follow(&mut self, answer: HostAnswer) -> Life {
        let Decided { mut decision, stamp } = match answer {
            Ok(decided) => decided,
            Err(sentence) => {
                self.settle(with_next_beat(sentence));
                return Life::GoesOn;
            }
        };
        self.last_stamp = stamp;
        if matches!(decision.next, Next::Wait(_)) {
            self.look_while_it_settles();
        } else {
            match self.with_systemd(stamp, &mut decision).await {
                Ok(Life::GoesOn) => {}
                Ok(Life::Replaced) => return Life::Replaced,
                Err(error) => decision = with_next_beat(error.to_string()),
            }
        }
        self.settle(decision);
        Life::GoesOn
    }

    /// What only systemd knows: whether a unit is busy without a word in the journal, and which agent it would start.
    async fn with_systemd(
        &mut self,
        stamp: Option<JournalStamp>,
        decision: &mut Decision,
    ) -> Result<Life, SystemdError> {
        let Some(systemd) = self.bus.systemd() else {
            if matches!(decision.next, Next::Start(_)) {
                decision.reason.push_str("; systemd cannot be reached");
                decision.next = Next::Nothing;
            }
            return Ok(Life::GoesOn);
        };
        // Started by hand, it is no unit's agent.
        let own = std::env::var_os("INVOCATION_ID").and_then(|_| replacement::own_program());
        let start_of_own = async {
            match own {
                Some(own) => systemd.start_of(&self.unit).await.map(|start| Some((own, start))),
                None => Ok(None),
            }
        };
        // At once: each answer that is waited for alone is a wake-up.
        let (busy, start_of_own) = tokio::join!(systemd.busy_units(), start_of_own);
        if let Some(unit) = busy?.first() {
            *decision = with_next_beat(format!("{unit} is busy"));
            self.look_while_it_settles();
            return Ok(Life::GoesOn);
        }
        if let Some((own, start)) = start_of_own? {
            if replacement::is_replaced(&own, start.as_ref().map(|start| start.program.as_path()))
                || self
                    .credentials
                    .is_outdated(start.map(|start| [start.credentials, start.encrypted_credentials].concat()))
            {
                return Ok(Life::Replaced);
            }
            if self.has_renewed_credentials() {
                tracing::info!("a credential of {} was renewed: starting anew, with it", self.unit);
                return Ok(Life::Replaced);
            }
        }
        let Next::Start(operation) = decision.next else { return Ok(Life::GoesOn) };
        if JournalStamp::of(&self.state) != stamp {
            // Somebody's operation began or ended since: what was decided may be wrong by now.
            *decision = with_next_beat("an operation has just begun or ended".to_owned());
            self.look_while_it_settles();
            return Ok(Life::GoesOn);
        }
        let now = Instant::now();
        if let Some(until) = self.start_pause.wait_until(operation, stamp, now.into_std()) {
            decision.reason.push_str("; the last start left no trace, it is tried again later");
            decision.next = Next::Nothing;
            self.look_at = Some(Instant::from_std(until));
            return Ok(Life::GoesOn);
        }
        self.start_pause.started(operation, stamp, now.into_std());
        let unit = unit_of(operation);
        tracing::info!("starting {unit}: {}", decision.reason);
        let started = systemd.start(unit).await;
        // Should it leave no trace, the next look finds that out.
        self.settling = 0;
        started.map(|()| Life::GoesOn)
    }

    /// Tells what was decided, where it is something new.
    fn settle(&mut self, decision: Decision) {
        if self.last.as_ref().is_none_or(|last| last.reason != decision.reason) {
            tracing::info!("{}", decision.words());
            notify::status(decision.words());
        }
        self.last = Some(decision);
    }
}

/// Nothing can be done now, and nobody may tell when that changes.
fn with_next_beat(reason: String) -> Decision {
    Decision { next: Next::Nothing, reason, look_again_at: Some(Timestamp::now()) }
}

const fn unit_of(operation: Operation) -> &'static str {
    match operation {
        Operation::Pull => "nixfleet-pull.service",
        Operation::Switch => "nixfleet-switch.service",
        Operation::Test => "nixfleet-test.service",
        Operation::Rollback => "nixfleet-rollback.service",
    }
}

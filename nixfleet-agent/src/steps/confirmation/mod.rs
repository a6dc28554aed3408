//! Confirmation: the wait for the proof that an activated system is good.
//!
//! Either the agent, started anew as the new system says, reaches the remote, or a command of the configuration succeeds.

pub(super) mod agent;
mod proof;

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nixfleet_core::config::{self, ConfirmConfig};
use nixfleet_core::observation::Phase;
use nixfleet_core::state_directory::RuntimeDirectory;
use proof::{Proof, Stand, Traces};

use super::activation::root_command;
use super::child;
use super::context::Context;
use super::error::StepError;
use super::run::running_system;

const POLL: Duration = Duration::from_millis(200);

/// The agent is asked to look at the remote again after this: after a failure it would wait for minutes by itself.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// A command that failed is run again after this.
const COMMAND_PAUSE: Duration = Duration::from_secs(5);

/// Beyond any use, and within what a clock can say.
const LONGEST: Duration = Duration::from_hours(24);

/// Why there is no confirmation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unconfirmed {
    #[error("not confirmed within {seconds} s: {why}")]
    InTime { seconds: u64, why: String },
    #[error("another system was activated while this one waited for its confirmation: it stays")]
    TakenOver,
}

impl From<Unconfirmed> for StepError {
    fn from(unconfirmed: Unconfirmed) -> Self {
        Self::new(Phase::Confirmation, unconfirmed)
    }
}

/// Waits for the confirmation of `store_path`, which runs now; how it was confirmed, as a part of a sentence.
pub(super) fn wait(context: &Context, store_path: &Path) -> Result<String, Unconfirmed> {
    let wait = Wait { store_path, begin: Instant::now(), confirm: confirm_of_new_system(context) };
    match &wait.confirm.command {
        Some(command) => wait.for_command(command),
        None => wait.for_agent(&context.runtime),
    }
}

/// How to confirm is the new system's word, so that a commit can mend a wrong command. Whether to confirm at all was
/// decided by the system before it.
fn confirm_of_new_system(context: &Context) -> ConfirmConfig {
    match config::read(&context.config_path) {
        Ok(config) => config.confirm,
        Err(error) => {
            eprintln!("{error}; the former configuration says how to confirm");
            context.config.confirm.clone()
        }
    }
}

struct Wait<'a> {
    store_path: &'a Path,
    begin: Instant,
    confirm: ConfirmConfig,
}

impl Wait<'_> {
    fn left(&self) -> Duration {
        Duration::from_secs(self.confirm.timeout_seconds).min(LONGEST).saturating_sub(self.begin.elapsed())
    }

    /// Pauses; an error where there is nothing to wait for any more.
    fn pause(&self, pause: Duration, why: impl FnOnce() -> String) -> Result<(), Unconfirmed> {
        sleep(pause.min(self.left()));
        if running_system().as_deref() != Some(self.store_path) {
            return Err(Unconfirmed::TakenOver);
        }
        if self.left().is_zero() {
            return Err(Unconfirmed::InTime { seconds: self.confirm.timeout_seconds, why: why() });
        }
        Ok(())
    }

    fn confirmed(&self, how: &str) -> String {
        format!("confirmed after {} s: {how}", self.begin.elapsed().as_secs())
    }

    fn for_agent(&self, runtime: &RuntimeDirectory) -> Result<String, Unconfirmed> {
        eprintln!("waiting {} s at most for the agent to reach the remote", self.confirm.timeout_seconds);
        let mut proof = Proof::after(&traces(runtime));
        let mut started = agent::start_anew();
        let mut asked: Option<Instant> = None;
        loop {
            let stand = proof.look(&traces(runtime));
            if stand == Stand::Reached {
                return Ok(self.confirmed("the agent reached the remote"));
            }
            let is_time = asked.is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
            if is_time && started.is_err() {
                started = agent::start_anew();
                asked = Some(Instant::now());
            } else if is_time && stand != Stand::NoAgent {
                // Should it not be heard, it is asked again.
                let _ = agent::look_at_once();
                asked = Some(Instant::now());
            }
            self.pause(POLL, || match (&stand, &started) {
                (_, Err(error)) => format!("the agent cannot be started: {error}"),
                (Stand::NoAnswer(error), _) => format!("the agent cannot read the remote: {error}"),
                (Stand::NoAgent, _) => format!("the agent gave no sign of life: it is {}", agent::state()),
                _ => "the agent did not look at the remote to an end".to_owned(),
            })?;
        }
    }

    fn for_command(&self, command: &[String]) -> Result<String, Unconfirmed> {
        // The arguments are not shown: they may hold a secret.
        let (program, arguments) = command.split_first().map_or(("", command), |(first, rest)| (first.as_str(), rest));
        eprintln!("waiting {} s at most for {program} to succeed", self.confirm.timeout_seconds);
        let mut why = format!("{program} did not end");
        loop {
            match child::run_within(root_command(program).args(arguments), self.left()) {
                Ok(Some(exit)) if exit.succeeded() => return Ok(self.confirmed(&format!("{program} succeeded"))),
                Ok(Some(exit)) => why = format!("{program} failed (exit {}): {}", exit.code, exit.reason()),
                // Cut off by the end of the time: what an earlier one said tells more.
                Ok(None) => {}
                Err(error) => why = format!("cannot run {program}: {error}"),
            }
            self.pause(COMMAND_PAUSE, || why.clone())?;
        }
    }
}

/// What cannot be read is no proof.
fn traces(runtime: &RuntimeDirectory) -> Traces {
    Traces { heartbeat: runtime.read_agent().ok().flatten(), attempt: runtime.read_remote_attempt().ok().flatten() }
}

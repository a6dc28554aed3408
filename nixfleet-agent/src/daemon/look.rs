//! One look of the agent, in a process of its own: the question on standard input, the answer on standard output.
//!
//! What libgit2 and TLS keep, and what they do wrong, ends with this process; the agent itself never sets them up.

use std::borrow::Cow;
use std::io::{self, Write as _};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use nixfleet_core::config::{Automatic, HostConfig, PolicyConfig};
use nixfleet_core::git;
use nixfleet_core::github::KnownAnswers;
use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use serde::{Deserialize, Serialize};

use super::evidence::{self, JournalStamp};
use super::policy::{Decision, decide};
use crate::steps::{Arguments, Look};
use crate::{pull_requests, remote};

/// What a look is to go by. Both sides are always the same program, so its form is no interface.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question<'a> {
    /// The agent's, not that of the file: where the file is broken the former one stays in use.
    pub(super) config: Cow<'a, HostConfig>,
    /// Of GitHub, where it is who is asked.
    pub(super) known: Option<Cow<'a, KnownAnswers>>,
    /// For a decision only: when a person last asked for another try.
    pub(super) asked_again_at: Option<Timestamp>,
    /// The number of the process that asks; without it, it does not matter whether it lives.
    pub(super) agent: Option<u32>,
}

impl<'a> Question<'a> {
    /// Of this process.
    pub(super) fn new(config: &'a HostConfig) -> Self {
        Self { config: Cow::Borrowed(config), known: None, asked_again_at: None, agent: Some(std::process::id()) }
    }

    /// Whose answer is what the policy says.
    pub(super) fn to_decide(config: &'a HostConfig, asked_again_at: Option<Timestamp>) -> Self {
        Self { asked_again_at, ..Self::new(config) }
    }
}

/// Of a look at the remote. A [`HostAnswer`] follows, of the same process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RemoteAnswer {
    /// For the next look, where it is GitHub who is asked.
    pub(super) known: Option<KnownAnswers>,
    /// One line for people, or why it failed. Either is recorded already.
    pub(super) tip: Result<String, String>,
}

/// Of a look at GitHub.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PullRequestAnswer {
    /// For the next look.
    pub(super) known: KnownAnswers,
    /// How many are open, or why that is not known. Either is recorded already.
    pub(super) open: Result<usize, String>,
}

/// Of a look at this host; an error where nothing may be decided.
pub(super) type HostAnswer = Result<Decided, String>;

/// What the policy says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) decision: Decision,
    /// Of the journal, before it was read.
    pub(super) stamp: Option<JournalStamp>,
}

/// Why there is no answer at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    #[error(
        "cannot understand the question on standard input: {0}; this command is for the agent, use `nixfleet status`"
    )]
    Question(#[source] serde_json::Error),
    #[error("cannot write the answer: {0}; the agent that asked is gone, or its service has no memory left")]
    Answer(#[source] serde_json::Error),
    #[error("the agent that asked is gone: the next one asks again")]
    NobodyAsks,
}

/// Where the memory of the agent's unit runs out, it is the look that ends: it is what takes much, and is tried again.
fn end_before_the_agent() {
    // The highest that there is, whatever the unit gives the agent (proc(5), `oom_score_adj`). Raising it needs no right.
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "1000") {
        tracing::debug!("this look does not end first where memory runs out: {error}");
    }
}

/// Answers one question. What it says beside the answer goes to standard error.
pub(super) fn answer(arguments: &Arguments, at: Look) -> Result<(), LookError> {
    end_with_the_agent();
    end_before_the_agent();
    let question: Question<'_> = serde_json::from_reader(io::stdin().lock()).map_err(LookError::Question)?;
    let parent = rustix::process::getppid().and_then(|id| u32::try_from(id.as_raw_nonzero().get()).ok());
    if question.agent.is_some() && question.agent != parent {
        // It ended before the kernel knew of the wish above.
        return Err(LookError::NobodyAsks);
    }
    // The checkout may belong to another user; it is only read here.
    git::allow_foreign_owner();
    let config = &question.config;
    let state = StateDirectory::new(&arguments.state_directory);
    let runtime = RuntimeDirectory::new(&arguments.runtime_directory);
    match at {
        Look::Remote => {
            let asks_github = config.github.as_remote;
            let mut known = question.known.as_deref().cloned().unwrap_or_default();
            let tip = remote::look(config, &state, &runtime, &mut known);
            let tip = tip.map(|tip| format!("{} is at {}", tip.branch, tip.revision.short()));
            let tip = tip.map_err(|error| error.to_string());
            // At once: should reading the host hang, that is not the remote's fault.
            say(&RemoteAnswer { known: asks_github.then_some(known), tip })?;
            say(&decided(&question, &state, &runtime))
        }
        Look::PullRequests => {
            let mut known = question.known.map(Cow::into_owned).unwrap_or_default();
            let open = pull_requests::look(config, &state, &runtime, &mut known).map_err(|error| error.to_string());
            say(&PullRequestAnswer { known, open })
        }
        Look::Host => say(&decided(&question, &state, &runtime)),
    }
}

fn decided(question: &Question<'_>, state: &StateDirectory, runtime: &RuntimeDirectory) -> HostAnswer {
    let evidence = evidence::read(&question.config, question.asked_again_at, state, runtime);
    let evidence = evidence.map_err(|error| error.to_string())?;
    let decision = decide(&evidence.observation, &evidence.state, &now(&evidence.state.policy));
    Ok(Decided { decision, stamp: evidence.stamp })
}

/// The local time where a window needs it. Elsewhere the zone makes no difference, and to find it the whole database of time
/// zones is listed.
fn now(policy: &PolicyConfig) -> ZonedDateTime {
    let has_window = [&policy.pull, &policy.switch].iter().any(|it| matches!(it, Automatic::Window(_)));
    if has_window { ZonedDateTime::now() } else { Timestamp::now().to_zoned_datetime(TimeZone::UTC) }
}

/// The agent starts all looks from the thread that ends last.
fn end_with_the_agent() {
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        tracing::debug!("this look may outlive its agent: {error}");
    }
}

fn say<A: Serialize>(answer: &A) -> Result<(), LookError> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, answer).map_err(LookError::Answer)?;
    output
        .write_all(b"\n")
        .and_then(|()| output.flush())
        .map_err(|error| LookError::Answer(serde_json::Error::io(error)))
}

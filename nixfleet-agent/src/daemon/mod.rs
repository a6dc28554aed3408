//! The agent: looks at the remote, starts operations as the policy says, and gives signs of life.
//!
//! It decides from evidence only ([`policy`]): the observation and the journal of operations. What it holds in memory is
//! when to look again; losing that, by SIGKILL at any moment, costs one look.
//!
//! Whatever libgit2 or TLS have a part in, each look ([`look`]), runs in a short process of the same program
//! ([`look_process`]): it hands back what is to be done, and the agent stays small.

mod agent;
mod alarm;
mod bus;
mod due;
pub(crate) mod evidence;
mod heartbeat;
mod look;
mod look_process;
mod looks;
mod memory;
mod notify;
mod policy;
mod pull_request_check;
mod remote_check;
mod replacement;
mod running_system;
mod schedule;
pub(crate) mod signals;
mod start_pause;
pub(crate) mod systemd;
mod told_by_github;

use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use nixfleet_core::config::ConfigError;
use tracing_subscriber::filter::LevelFilter;

use crate::steps::{Arguments, Look};
use agent::Agent;
use signals::Signals;

/// Reading the state of the host takes milliseconds; a file system that hangs must not take the agent along.
const HOST_LIMIT: Duration = Duration::from_secs(20);

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
enum DaemonError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot start: {0}; check this service's limits of files, tasks and memory")]
    Start(#[source] io::Error),
}

/// Runs until it is told to end, or another agent takes its place.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    ended(|| serve(arguments))
}

/// Makes one look, for the agent that started this process.
pub(crate) fn look(arguments: &Arguments, at: Look) -> ExitCode {
    ended(|| look::answer(arguments, at))
}

fn ended<E: Display>(work: impl FnOnce() -> Result<(), E>) -> ExitCode {
    // A level only, no filter by module: that alone would cost half a megabyte of memory.
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_target(false);
    // The journal has its own time.
    log.without_time().with_ansi(io::stderr().is_terminal()).init();
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Nothing that blocks is done here: it is for what a library may want.
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_millis(100))
        .build()
        .map_err(DaemonError::Start)?;
    let outcome = runtime.block_on(async {
        // First: a reload that is asked for while the agent starts is done right after, and ends nothing.
        let signals = Signals::listen().map_err(DaemonError::Start)?;
        Agent::new(arguments)?.run(signals).await
    });
    // Looks that run are killed, and not waited for.
    runtime.shutdown_background();
    outcome
}

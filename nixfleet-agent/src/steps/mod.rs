//! The steps that the units run: pull, build, activate, test, rollback, fall-back, which undoes what was not confirmed,
//! and record, which writes how it all ended.
//!
//! A step tells the journal of operations what it does and how it ended. Where it cannot, because it was killed or ran
//! out of time, the unit's `ExecStopPost=` runs `record`, which knows the end from systemd.

mod activate;
mod activation;
mod arguments;
mod build;
mod child;
mod confirmation;
mod context;
mod error;
mod failed_units;
mod fall_back;
mod kept_systems;
mod machine_state;
mod packs;
mod pre_switch_check;
mod pull;
mod record;
mod rollback;
mod run;
mod system_check;
mod test;

use std::process::ExitCode;

pub use arguments::{Action, Arguments, Look, RecordedOperation, Step};
use context::Context;
use nixfleet_core::observation::Operation;
use run::Run;

/// Runs the agent, one of its looks, or one step; its exit code is 0, or that of the program that failed in it.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    match arguments.step {
        Step::Run => return crate::daemon::run(arguments),
        Step::CheckConfig => return check_config(&arguments.config),
        Step::Look { at } => return crate::daemon::look(arguments, at),
        _ => {}
    }
    let context = match Context::new(arguments) {
        Ok(context) => context,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let (operation, outcome) = match &arguments.step {
        Step::Pull => (Operation::Pull, pull::pull(&context).map(Some)),
        // Not the end of the operation: activation follows.
        Step::Build => (Operation::Switch, build::build(&context).map(|()| None)),
        Step::Activate { action } => (Operation::Switch, activate::activate(&context, *action).map(Some)),
        Step::Test => (Operation::Test, test::test(&context)),
        Step::Rollback { generation } => (Operation::Rollback, rollback::rollback(&context, *generation).map(Some)),
        // No step, and gone by here.
        Step::Run | Step::CheckConfig | Step::Look { .. } => return ExitCode::FAILURE,
        Step::FallBack => return fall_back::fall_back(&context),
        Step::Record { operation } => return record::record(&context, (*operation).into()),
    };
    let run = Run::new(&context, operation);
    match outcome {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(success)) => {
            eprintln!("{}", success.sentence());
            told(run.succeeded(success))
        }
        Err(error) => {
            eprintln!("{operation} failed in {}: {error}", error.phase);
            let code = error.exit_code;
            if !error.is_recorded {
                // What could not be written is said; that the step failed counts more.
                let _ = told(run.failed(error));
            }
            ExitCode::from(u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(1))
        }
    }
}

/// Before a configuration is deployed: one that is not valid stops the agent, pull and switch.
fn check_config(path: &std::path::Path) -> ExitCode {
    match nixfleet_core::config::read(path) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn told(written: Result<(), nixfleet_core::state_directory::StateError>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the result is not recorded: {error}");
            ExitCode::FAILURE
        }
    }
}

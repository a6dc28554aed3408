//! The program `nixfleet-exporter`: see [`nixfleet_exporter`].

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use nixfleet_exporter::arguments::Arguments;
use nixfleet_exporter::listen::PassedSockets;
use nixfleet_exporter::{observer, run};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let passed = PassedSockets::from_environment();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // The journal has its own time.
    log.without_time().with_ansi(std::io::stderr().is_terminal()).init();
    match serve(&arguments, passed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments, passed: PassedSockets) -> Result<(), Box<dyn std::error::Error>> {
    let observer = observer(arguments)?;
    Ok(run::run(&arguments.web, observer, passed)?)
}

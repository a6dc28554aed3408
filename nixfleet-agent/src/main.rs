//! The `nixfleet` command.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    nixfleet_agent::run(&nixfleet_agent::arguments::Arguments::parse())
}

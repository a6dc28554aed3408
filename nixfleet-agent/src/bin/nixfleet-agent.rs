//! `nixfleet-agent`: the agent, and the steps that nixfleet's systemd units run.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    nixfleet_agent::steps::run(&nixfleet_agent::steps::Arguments::parse())
}

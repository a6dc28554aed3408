//! Arguments of `nixfleet fleet`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::FailOn;
use super::notes;
use super::number::{A_DAY_SECONDS, whole_number, within};
use crate::fleet::{Access, LabelFilter, LabelOrder, RevisionFilter, StateFilter, WaveSizes};

/// Arguments of `nixfleet fleet`.
#[derive(Debug, Args)]
pub struct FleetArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: FleetCommand,
}

/// What to do with a fleet.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// Show the five compartments of every host, worst first
    #[command(long_about = notes::ABOUT_FLEET_STATUS, after_long_help = notes::of("fleet-status"))]
    Status(Box<FleetStatusArguments>),
    /// Pull on many hosts at once
    #[command(long_about = notes::ABOUT_FLEET_PULL, after_long_help = notes::of("fleet-pull"))]
    Pull(Box<FleetOperationArguments>),
    /// Switch many hosts, wave after wave, each until its tests are green
    #[command(long_about = notes::ABOUT_FLEET_SWITCH, after_long_help = notes::of("fleet-switch"))]
    Switch(Box<FleetSwitchArguments>),
    /// Run the tests of many hosts at once
    #[command(long_about = notes::ABOUT_FLEET_TEST, after_long_help = notes::of("fleet-test"))]
    Test(Box<FleetOperationArguments>),
    /// Take many hosts back to their previous generation
    #[command(long_about = notes::ABOUT_FLEET_ROLLBACK, after_long_help = notes::of("fleet-rollback"))]
    Rollback(Box<FleetRollbackArguments>),
    /// Pull everywhere, then switch wave after wave
    #[command(long_about = notes::ABOUT_FLEET_UPDATE, after_long_help = notes::of("fleet-update"))]
    Update(Box<FleetSwitchArguments>),
}

/// Which hosts there are, and which of them are meant.
#[derive(Debug, Args)]
pub struct FleetHostsArguments {
    /// The hosts that are meant, by name [default: all]
    ///
    /// Without --prometheus and --hosts-file these are the fleet.
    #[arg(value_name = "HOST")]
    pub names: Vec<String>,
    /// The same as a list
    #[arg(long, value_name = "HOST,HOST", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// A file with the hosts, one a line or JSON; see docs/fleet.md
    #[arg(long, value_name = "FILE")]
    pub hosts_file: Option<PathBuf>,
    /// Only hosts in this state: git=outdated, system=error,outdated, or error for any compartment
    #[arg(long = "state", value_name = "STATE", help_heading = "Which of them")]
    pub states: Vec<StateFilter>,
    /// Only hosts with this label, of Prometheus' target or of the hosts file
    #[arg(long = "label", value_name = "KEY=VALUE", help_heading = "Which of them")]
    pub labels: Vec<LabelFilter>,
    /// Only hosts that run this commit: its first digits
    #[arg(long, value_name = "REVISION", help_heading = "Which of them")]
    pub revision: Option<RevisionFilter>,
    /// Only hosts that run another commit than most do
    #[arg(long, help_heading = "Which of them")]
    pub off_majority: bool,
    /// How Prometheus is asked.
    #[command(flatten)]
    pub prometheus: PrometheusArguments,
    /// How ssh reaches a host: {host} is its name, {address} what Prometheus scrapes, {label} any label
    #[arg(long = "ssh", value_name = "TEMPLATE", default_value = "{host}", help_heading = "ssh")]
    pub ssh_template: String,
    /// The user for ssh, where neither the template nor the hosts file names one
    #[arg(long, value_name = "USER", help_heading = "ssh")]
    pub ssh_user: Option<String>,
    /// Ask or move so many hosts at once
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "ssh", value_parser = within(1_u16..=512))]
    pub parallel: u16,
}

/// How Prometheus is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Prometheus")]
pub struct PrometheusArguments {
    /// The Prometheus that scrapes the hosts
    #[arg(long, value_name = "URL", env = "NIXFLEET_PROMETHEUS_URL", hide_env_values = true)]
    pub prometheus: Option<String>,
    /// The scrape job of nixfleet-exporter
    #[arg(long, value_name = "JOB", default_value = "nixfleet")]
    pub job: String,
    /// A file with a bearer token for Prometheus
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    pub token_file: Option<PathBuf>,
    /// The user name for Prometheus
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub username: Option<String>,
    /// A file with the password for Prometheus
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, that Prometheus' own is checked against [default: those of the system]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Give up on Prometheus after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = within(1_u64..=A_DAY_SECONDS))]
    pub timeout: u64,
}

impl PrometheusArguments {
    /// The Prometheus that is meant; an empty one means none, also where the environment names one.
    pub(crate) fn url(&self) -> Option<&str> {
        self.prometheus.as_deref().filter(|url| !url.is_empty())
    }

    /// How the one that is meant is reached.
    pub(crate) fn access(&self) -> Option<Access> {
        Some(Access {
            url: self.url()?.to_owned(),
            token_file: self.token_file.clone(),
            username: self.username.clone(),
            password_file: self.password_file.clone(),
            ca_file: self.ca_file.clone(),
            timeout: Duration::from_secs(self.timeout),
            option_prefix: "--",
        })
    }
}

/// Arguments of `nixfleet fleet status`.
#[derive(Debug, Args)]
pub struct FleetStatusArguments {
    /// Print JSON: one object, with --watch one object a line
    #[arg(long)]
    pub json: bool,
    /// Show again every so many seconds until interrupted [default: 10]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "10", value_parser = within(1_u64..=A_DAY_SECONDS))]
    pub watch: Option<u64>,
    /// End with exit code 3 or 4 if a compartment of any host is in this state or a worse one
    #[arg(long, value_name = "STATE", value_enum, conflicts_with = "watch")]
    pub fail_on: Option<FailOn>,
    /// The hosts.
    #[command(flatten)]
    pub fleet: FleetHostsArguments,
}

/// How hosts are moved.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
pub struct FleetOperationArguments {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before anything is done
    #[arg(long, short)]
    pub yes: bool,
    /// Print one JSON object at the end; progress still goes to standard error
    #[arg(long)]
    pub json: bool,
    /// Show what the units write, too
    #[arg(long)]
    pub logs: bool,
    /// The hosts.
    #[command(flatten)]
    pub fleet: FleetHostsArguments,
}

/// How hosts are rolled back.
#[derive(Debug, Args)]
pub struct FleetRollbackArguments {
    /// Every host that there is; else the hosts have to be named or chosen
    #[arg(long)]
    pub all: bool,
    /// As for the others.
    #[command(flatten)]
    pub operation: FleetOperationArguments,
}

/// How hosts are switched.
#[derive(Debug, Args)]
pub struct FleetSwitchArguments {
    /// Hosts in a wave, or in the first, second and so on; the last number counts for the rest
    #[arg(long, value_name = "N,N,...", default_value = "1", help_heading = "Waves")]
    pub wave_size: WaveSizes,
    /// In the order of a label's values: stage=canary,staging,production; hosts of two values share no wave
    ///
    /// Hosts with another value, or without the label, come last. Without it hosts go by name.
    #[arg(long, value_name = "LABEL=VALUES", help_heading = "Waves")]
    pub order: Option<LabelOrder>,
    /// Go on until more hosts than this have failed; the wave is still brought to its end
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Waves", value_parser = whole_number::<usize>)]
    pub max_failures: usize,
    /// As for the others.
    #[command(flatten)]
    pub operation: FleetOperationArguments,
}

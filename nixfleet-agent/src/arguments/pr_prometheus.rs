//! Which Prometheus tells `nixfleet pr` of the hosts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::number::within;
use crate::fleet::Access;

/// How Prometheus is asked which hosts are concerned. As for `nixfleet fleet`, but with names that leave `--token-file` to
/// GitHub.
#[derive(Debug, Args)]
#[command(next_help_heading = "The hosts")]
pub struct PrPrometheusArguments {
    /// The Prometheus that scrapes the hosts, to tell which ones are concerned
    #[arg(long, value_name = "URL", env = "NIXFLEET_PROMETHEUS_URL", hide_env_values = true)]
    pub prometheus: Option<String>,
    /// The scrape job of nixfleet-exporter
    #[arg(long, value_name = "JOB", default_value = "nixfleet", hide_short_help = true)]
    pub job: String,
    /// A file with a bearer token for Prometheus
    #[arg(long, value_name = "FILE", conflicts_with = "prometheus_username", hide_short_help = true)]
    pub prometheus_token_file: Option<PathBuf>,
    /// The user name for Prometheus
    #[arg(long, value_name = "NAME", requires = "prometheus_password_file", hide_short_help = true)]
    pub prometheus_username: Option<String>,
    /// A file with the password for Prometheus
    #[arg(long, value_name = "FILE", requires = "prometheus_username", hide_short_help = true)]
    pub prometheus_password_file: Option<PathBuf>,
    /// A file with the certificates, in PEM, that Prometheus' own is checked against [default: those of the system]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub prometheus_ca_file: Option<PathBuf>,
    /// Go on without Prometheus after so many seconds for one question
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = within(1_u64..=3600), hide_short_help = true)]
    pub prometheus_timeout: u64,
}

impl PrPrometheusArguments {
    /// How the one that is meant is reached; an empty address means none, also where the environment names one.
    pub(crate) fn access(&self) -> Option<Access> {
        Some(Access {
            url: self.prometheus.clone().filter(|url| !url.is_empty())?,
            token_file: self.prometheus_token_file.clone(),
            username: self.prometheus_username.clone(),
            password_file: self.prometheus_password_file.clone(),
            ca_file: self.prometheus_ca_file.clone(),
            timeout: Duration::from_secs(self.prometheus_timeout),
            option_prefix: "--prometheus-",
        })
    }
}

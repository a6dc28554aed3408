//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};

use crate::build;
use crate::listen::Address;

/// Serves the five compartments of a NixOS host as Prometheus metrics.
///
/// Agent, Git, Lock, System and Tests are read from this host at each scrape of /metrics: nothing is remembered in between,
/// so a restart changes nothing. / shows the same five as a table for people, /-/healthy answers while the program lives.
///
/// Without --web.listen-address it listens on the sockets that systemd passes, else on port 19931 of all addresses, as
/// exporters do. There is no password: keep the port closed in the firewall but for Prometheus, or listen on 127.0.0.1
/// or a unix socket only.
#[derive(Debug, Clone, Parser)]
#[command(name = "nixfleet-exporter", version = build::VERSION_LINE, max_term_width = 100, after_long_help = EXAMPLES)]
pub struct Arguments {
    /// The host to observe.
    #[command(flatten)]
    pub host: HostArguments,
    /// The repository to observe instead.
    #[command(flatten)]
    pub repository: RepositoryArguments,
    /// How to serve.
    #[command(flatten)]
    pub web: WebArguments,
}

const EXAMPLES: &str = "\
Examples:
  Observe this host, for a Prometheus on another one:
    nixfleet-exporter

  Only for programs on this machine:
    nixfleet-exporter --web.listen-address 127.0.0.1:19931 --web.listen-address '[::1]:19931'

  Behind a reverse proxy:
    nixfleet-exporter --web.listen-address unix:/run/nixfleet-exporter/http.sock

  One flake repository anywhere, no NixOS, no root, no agent: shows Git and Lock, the rest is unknown:
    nixfleet-exporter --repo ~/my-flake --web.listen-address 127.0.0.1:19931

  In Prometheus:
    scrape_configs:
      - job_name: nixfleet
        static_configs: [{ targets: ['web1:19931', 'web2:19931'] }]";

const LISTEN_ADDRESS_HELP: &str = "\
Where to listen; may be given several times:
  127.0.0.1:19931, [::1]:19931  one address
  :19931                        all addresses of this machine
  unix:/path                    a unix socket; its file is removed at the end
  systemd                       the sockets that systemd passes
Default: the sockets that systemd passes where it does, else :19931";

/// Where the evidence of a host lies.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Host")]
pub struct HostArguments {
    /// The configuration that the agent of this host runs with.
    #[arg(long, value_name = "FILE", default_value = "/etc/nixfleet/config.json")]
    pub config: PathBuf,
    /// Where nixfleet keeps its state.
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/nixfleet")]
    pub state_directory: PathBuf,
    /// Where the agent shows that it lives.
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/nixfleet")]
    pub runtime_directory: PathBuf,
    /// The directory under which the running system is looked for: /run/current-system, /nix/var/nix/profiles.
    #[arg(long, value_name = "DIRECTORY", default_value = "/")]
    pub root: PathBuf,
}

/// One flake repository, without a host.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Stand-alone")]
pub struct RepositoryArguments {
    /// Observe this flake repository instead of a host: Git and Lock have states, the others are unknown.
    #[arg(
        id = "repo",
        long = "repo",
        value_name = "PATH",
        conflicts_with_all = ["config", "state_directory", "runtime_directory", "root"]
    )]
    pub path: Option<PathBuf>,
    /// How often the exporter asks the repository's remote, such as 90s, 5m or 1h; scrapes in between show the last answer.
    #[arg(
        long = "repo.check-interval",
        value_name = "DURATION",
        default_value = "5m",
        value_parser = check_interval,
        requires = "repo"
    )]
    pub check_interval: Duration,
    /// The remote to compare with, instead of the checkout's upstream.
    #[arg(long = "repo.url", value_name = "URL", requires = "repo")]
    pub url: Option<String>,
    /// The branch of the remote to compare with, instead of the checkout's upstream branch.
    #[arg(long = "repo.branch", value_name = "BRANCH", requires = "repo")]
    pub branch: Option<String>,
    /// A file with the token or password for an https remote.
    #[arg(long = "repo.token-file", value_name = "FILE", requires = "repo")]
    pub token_file: Option<PathBuf>,
    /// The user name that goes with the token.
    #[arg(long = "repo.username", value_name = "NAME", requires = "repo")]
    pub username: Option<String>,
    /// A file with the private key for an ssh remote, instead of what OpenSSH is configured with.
    #[arg(long = "repo.ssh-key-file", value_name = "FILE", requires = "repo")]
    pub ssh_key_file: Option<PathBuf>,
    /// A file with the trusted ssh host keys, instead of what OpenSSH is configured with.
    #[arg(long = "repo.known-hosts-file", value_name = "FILE", requires = "repo")]
    pub known_hosts_file: Option<PathBuf>,
}

/// How metrics are served.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Web")]
pub struct WebArguments {
    /// Where to listen; may be given several times.
    #[arg(
        long = "web.listen-address",
        value_name = "ADDRESS",
        value_parser = str::parse::<Address>,
        long_help = LISTEN_ADDRESS_HELP
    )]
    pub listen_address: Vec<Address>,
    /// The permissions of unix sockets, in octal.
    #[arg(long = "web.unix-socket-mode", value_name = "MODE", default_value = "0660", value_parser = mode)]
    pub unix_socket_mode: u32,
    /// How long a scrape waits for the evidence, such as 5s; then all states are unknown. Must be shorter than the scrape
    /// timeout of Prometheus, which is 10 s unless set.
    #[arg(long = "collect.timeout", value_name = "DURATION", default_value = "5s", value_parser = collect_timeout)]
    pub collect_timeout: Duration,
}

fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("write three octal digits, such as 0660".to_owned()),
    }
}

fn check_interval(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|interval| interval.as_secs() >= 10)
        .ok_or_else(|| "write 10s or more, such as 90s, 5m or 1h".to_owned())
}

fn collect_timeout(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_millis(10)..=Duration::from_mins(1);
    duration(text).filter(|limit| bounds.contains(limit)).ok_or_else(|| "write 10ms to 60s, such as 5s".to_owned())
}

/// A whole number with its unit, as Prometheus writes durations: `500ms`, `90s`, `5m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.find(|character: char| !character.is_ascii_digit())?)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(60 * 60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn defaults() {
        let arguments = Arguments::try_parse_from(["nixfleet-exporter"]).unwrap();
        assert!(arguments.web.listen_address.is_empty());
        assert_eq!(arguments.web.unix_socket_mode, 0o660);
        assert_eq!(arguments.web.collect_timeout, Duration::from_secs(5));
        assert_eq!(arguments.repository.check_interval, Duration::from_mins(5));
        assert_eq!(arguments.repository.path, None);
        assert_eq!(arguments.host.root, PathBuf::from("/"));
    }

    #[test]
    fn a_repository_instead_of_a_host() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        let arguments = parse("x --repo /r --repo.check-interval 90s").unwrap();
        assert_eq!(arguments.repository.path, Some("/r".into()));
        assert_eq!(arguments.repository.check_interval, Duration::from_secs(90));
        for wrong in ["x --repo /r --config /c", "x --repo.check-interval 90s", "x --repo /r --root /x", "x --repo"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in
            [("500ms", Some(500)), ("5s", Some(5_000)), ("5m", Some(300_000)), ("1h", Some(3_600_000))]
        {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text}");
        }
        for wrong in ["", "5", "s", "-5s", "1.5s", "5 s", "5d", "é", "99999999999999999999s", "18446744073709551615h"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert!(collect_timeout("0s").is_err() && collect_timeout("61s").is_err() && check_interval("1s").is_err());
    }

    #[test]
    fn modes() {
        assert_eq!(mode("0660"), Ok(0o660));
        assert_eq!(mode("600"), Ok(0o600));
        for wrong in ["", "8", "1777", "-1", "rw"] {
            assert!(mode(wrong).is_err(), "{wrong}");
        }
    }
}

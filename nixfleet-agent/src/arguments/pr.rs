//! Arguments of `nixfleet pr`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use nixfleet_core::github::MergeMethod;

use super::notes;
use super::number::whole_number;
use super::operate::Places;
use super::pr_prometheus::PrPrometheusArguments;

/// What to do with pull requests.
#[derive(Debug, Subcommand)]
pub enum PrCommand {
    /// List the open pull requests that update flake.lock
    #[command(after_long_help = notes::of("pr-list"))]
    List(PrListArguments),
    /// Show what one pull request changes, and whether it can be merged
    #[command(after_long_help = notes::of("pr-show"))]
    Show(Box<PrShowArguments>),
    /// Merge one pull request, after a question
    #[command(long_about = notes::ABOUT_PR_MERGE, after_long_help = notes::of("pr-merge"))]
    Merge(Box<PrMergeArguments>),
    /// Take a merged pull request, or a commit, back
    #[command(long_about = notes::ABOUT_PR_REVERT, after_long_help = notes::of("pr-revert"))]
    Revert(Box<PrRevertArguments>),
}

/// Which repository, and who asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "The repository")]
pub struct PrPlaceArguments {
    /// The remote of this checkout [default: the remote that this host follows]
    #[arg(long = "repo", id = "repo", value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// The branch that pull requests are merged into [default: the one that is followed]
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// A file with a token for GitHub.
    #[arg(
        long,
        value_name = "FILE",
        help = "A file with a token for GitHub [default: $GH_TOKEN, $GITHUB_TOKEN, the token of this host]"
    )]
    pub token_file: Option<PathBuf>,
    /// The address of GitHub's API [default: from the remote's address]
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// Where this host's files lie.
    #[command(flatten)]
    pub places: Places,
}

/// Arguments of `nixfleet pr list`.
#[derive(Debug, Args)]
pub struct PrListArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Which repository.
    #[command(flatten)]
    pub place: PrPlaceArguments,
}

/// Arguments of `nixfleet pr show`.
#[derive(Debug, Args)]
pub struct PrShowArguments {
    /// The pull request
    #[arg(value_name = "N", value_parser = whole_number::<u64>)]
    pub number: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Which repository.
    #[command(flatten)]
    pub place: PrPlaceArguments,
    /// Which hosts are concerned.
    #[command(flatten)]
    pub prometheus: PrPrometheusArguments,
}

/// Arguments of `nixfleet pr merge`.
#[derive(Debug, Args)]
pub struct PrMergeArguments {
    /// The pull request
    #[arg(value_name = "N", value_parser = whole_number::<u64>)]
    pub number: u64,
    /// How its commits come to the branch
    #[arg(long, value_enum, default_value = "merge")]
    pub method: Method,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// What is allowed all the same.
    #[command(flatten)]
    pub permissions: Permissions,
    /// Which repository.
    #[command(flatten)]
    pub place: PrPlaceArguments,
    /// Which hosts are concerned.
    #[command(flatten)]
    pub prometheus: PrPrometheusArguments,
}

/// What is refused unless it is allowed by name.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Allow what is refused otherwise")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Permissions {
    /// A check failed
    #[arg(long)]
    pub allow_failed_checks: bool,
    /// A check waits or runs, or the checks cannot be read
    #[arg(long)]
    pub allow_pending_checks: bool,
    /// It changes other files than flake.lock
    #[arg(long)]
    pub allow_other_files: bool,
    /// Its branch is in another repository
    #[arg(long)]
    pub allow_fork: bool,
    /// This host would refuse to pull what GitHub makes of it, as it takes signed commits only
    #[arg(long)]
    pub allow_unsigned: bool,
}

/// Arguments of `nixfleet pr revert`.
#[derive(Debug, Args)]
pub struct PrRevertArguments {
    /// The merged pull request
    #[arg(value_name = "N", required_unless_present = "commit", value_parser = whole_number::<u64>)]
    pub number: Option<u64>,
    /// Revert this commit of the branch; any Git remote will do
    #[arg(long, value_name = "REV", conflicts_with = "number", requires = "push")]
    pub commit: Option<String>,
    /// Push a commit that reverts it, instead of opening a pull request
    #[arg(long, requires = "repo")]
    pub push: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Which repository.
    #[command(flatten)]
    pub place: PrPlaceArguments,
    /// Which hosts are concerned.
    #[command(flatten)]
    pub prometheus: PrPrometheusArguments,
}

/// How commits come to the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// With a merge commit
    Merge,
    /// As one commit
    Squash,
    /// One after the other
    Rebase,
}

impl From<Method> for MergeMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Merge => Self::Merge,
            Method::Squash => Self::Squash,
            Method::Rebase => Self::Rebase,
        }
    }
}

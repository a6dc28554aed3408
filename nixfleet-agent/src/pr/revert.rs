//! `nixfleet pr revert`.

use nixfleet_core::Revision;
use nixfleet_core::git;
use nixfleet_core::github::{PullRequestDetails, PullRequestState};
use nixfleet_core::state_directory::StateDirectory;
use serde::Serialize;

use super::PrError;
use super::ask::ask;
use super::audit::Recorded;
use super::hosts::Carriers;
use super::objections::of_revert;
use super::place::Place;
use super::push::{Pushed, fetch_tip, push_revert, wants_signature};
use crate::arguments::PrRevertArguments;
use crate::progress::with_progress;
use crate::standard_output::{print, print_json};
use crate::{CommandError, Outcome};

/// What `--json` prints.
#[derive(Debug, Default, Serialize)]
struct Report<'a> {
    result: &'static str,
    reverted_revision: Option<&'a str>,
    /// The commit that was pushed.
    revision: Option<&'a str>,
    /// The pull request that was opened.
    number: Option<u64>,
    url: Option<&'a str>,
    #[serde(flatten)]
    carriers: Carriers,
}

/// Opens a pull request that reverts it, or pushes a commit that does.
pub(crate) fn revert(arguments: &PrRevertArguments) -> Result<Outcome, CommandError> {
    let place = Place::find(&arguments.place)?;
    match (arguments.number, &arguments.commit) {
        (Some(number), _) => {
            let details = merged(&place, number)?;
            if arguments.push {
                let commit = commit_of(&place, &details)?;
                push(&place, arguments, &commit, &details.base_branch, &format!("#{number} ({})", commit.short()))
            } else {
                open(&place, arguments, &details)
            }
        }
        (None, Some(text)) => {
            let branch = place.branch.clone().ok_or(PrError::NoBranch)?;
            with_progress(&format!("reading {}", place.shown_url()), || fetch_tip(&place, &branch))?;
            let commit = match text.parse() {
                Ok(revision) => revision,
                Err(_) => git::resolve_abbreviated(&place.checkout, None, text).map_err(PrError::from)?,
            };
            push(&place, arguments, &commit, &branch, commit.short())
        }
        // The arguments' definition does not let this through.
        (None, None) => Err(PrError::NoBranch.into()),
    }
}

fn find_carriers(place: &Place, arguments: &PrRevertArguments, branch: &str, commit: Option<&Revision>) -> Carriers {
    Carriers::find(place, &arguments.place.places, &arguments.prometheus, branch, commit)
}

fn merged(place: &Place, number: u64) -> Result<PullRequestDetails, PrError> {
    let work = || place.ask_github(async |client| client.pull_request_now(number).await);
    let details = with_progress(&format!("asking GitHub about #{number} of {}", place.shown_url()), work)?;
    match details.state {
        PullRequestState::Merged => Ok(details),
        PullRequestState::Open => Err(PrError::NotMerged { number, state: "open" }),
        PullRequestState::Closed => Err(PrError::NotMerged { number, state: "closed" }),
    }
}

fn open(place: &Place, arguments: &PrRevertArguments, details: &PullRequestDetails) -> Result<Outcome, CommandError> {
    let number = details.number;
    let carriers = find_carriers(place, arguments, &details.base_branch, details.merge_revision.as_ref());
    anstream::eprintln!("#{number} {}\n{}", details.title, carriers.words);
    warn_of_signatures(place, true, false);
    ask(&format!("Open a pull request that reverts #{number}?"), arguments.yes)?;
    let state = StateDirectory::new(&arguments.place.places.state_directory);
    let recorded = Recorded::begin(&state, "pr revert", format!("#{number} of {}", details.repository))?;
    let work = || place.ask_github(async |client| client.for_repository_of(details).open_revert(details).await);
    let outcome = with_progress(&format!("reverting #{number}"), work);
    recorded.end(&outcome, |opened| format!("opened #{}", opened.number));
    let opened = outcome?;
    if arguments.json {
        let reverted_revision = details.merge_revision.as_ref().map(Revision::as_str);
        let (number, url) = (Some(opened.number), Some(opened.url.as_str()));
        print_json(&Report { result: "opened", reverted_revision, number, url, carriers, ..Report::default() })?;
    } else {
        print(&format!(
            "#{} {}\n{}\n`nixfleet pr merge {}` merges it\n",
            opened.number, opened.title, opened.url, opened.number
        ))?;
    }
    Ok(Outcome::Done)
}

/// Not refused: a person may still merge and sign it by hand.
fn warn_of_signatures(place: &Place, by_github: bool, is_signed: bool) {
    let signatures = place.host.as_ref().map(|host| &host.repository.signatures);
    if let Some(warning) = signatures.and_then(|signatures| of_revert(signatures, by_github, is_signed)) {
        anstream::eprintln!("warning: {warning}");
    }
}

/// The one commit that brought the pull request to its branch.
fn commit_of(place: &Place, details: &PullRequestDetails) -> Result<Revision, PrError> {
    let number = details.number;
    let commit =
        details.merge_revision.clone().ok_or(PrError::NotMerged { number, state: "without a merge commit" })?;
    with_progress(&format!("reading {}", place.shown_url()), || fetch_tip(place, &details.base_branch))?;
    if details.commits > 1 && git::parents(&place.checkout, &commit)?.len() < 2 {
        return Err(PrError::SeveralCommits { number, commits: details.commits });
    }
    Ok(commit)
}

fn push(
    place: &Place,
    arguments: &PrRevertArguments,
    commit: &Revision,
    branch: &str,
    on: &str,
) -> Result<Outcome, CommandError> {
    let tip = with_progress(&format!("reading {}", place.shown_url()), || fetch_tip(place, branch))?;
    let content = git::revert(&place.checkout, &tip, commit).map_err(PrError::from)?;
    let carriers = find_carriers(place, arguments, branch, Some(commit));
    let reverted_revision = Some(commit.as_str());
    if content.is_done_already {
        if arguments.json {
            print_json(&Report { result: "already_reverted", reverted_revision, carriers, ..Report::default() })?;
        } else {
            print(&format!("{} is not in effect on {branch} any more: nothing to revert\n", commit.short()))?;
        }
        return Ok(Outcome::Done);
    }
    anstream::eprintln!("{} {}\n{}", commit.short(), content.reverted_subject, carriers.words);
    warn_of_signatures(place, false, wants_signature(place)?);
    ask(&format!("Push a commit to {branch} that reverts it?"), arguments.yes)?;
    let state = StateDirectory::new(&arguments.place.places.state_directory);
    let recorded = Recorded::begin(&state, "pr revert", format!("{on} of {}", place.shown_url()))?;
    let outcome = with_progress(&format!("pushing to {branch}"), || push_revert(place, branch, &tip, &content));
    recorded.end(&outcome, |pushed: &Pushed| format!("pushed {}", pushed.revision));
    let Pushed { revision } = outcome?;
    if arguments.json {
        let revision = Some(revision.as_str());
        print_json(&Report { result: "pushed", reverted_revision, revision, carriers, ..Report::default() })?;
    } else {
        print(&format!("{} is pushed to {branch}: it reverts {}\n", revision.short(), commit.short()))?;
    }
    Ok(Outcome::Done)
}

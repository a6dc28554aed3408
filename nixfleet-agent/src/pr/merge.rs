//! `nixfleet pr merge`.

use jiff::Timestamp;
use nixfleet_core::github::{Merge, PullRequestState};
use nixfleet_core::state_directory::StateDirectory;
use serde::Serialize;

use super::PrError;
use super::ask::ask;
use super::audit::Recorded;
use super::hosts::TurningYellow;
use super::objections::{objections, of_signatures};
use super::place::Place;
use super::review::Review;
use super::show::look;
use crate::arguments::PrMergeArguments;
use crate::progress::with_progress;
use crate::standard_output::{print, print_json};
use crate::{CommandError, Outcome};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    result: &'static str,
    revision: Option<&'a str>,
    pull_request: &'a Review,
    #[serde(flatten)]
    hosts: &'a TurningYellow,
}

/// Merges it, if nothing stands against it and a person wants it.
pub(crate) fn merge(arguments: &PrMergeArguments) -> Result<Outcome, CommandError> {
    let place = Place::find(&arguments.place)?;
    let number = arguments.number;
    let review = look(&place, number)?;
    let hosts = TurningYellow::find(&place, &arguments.prometheus, &review.details.base_branch);
    let is_merged = review.details.state == PullRequestState::Merged;
    if !is_merged {
        anstream::eprint!("{}{}\n", review.text(Timestamp::now()), hosts.hosts);
        let mut reasons = objections(&review, arguments.permissions);
        if let Some(host) = &place.host {
            let method = arguments.method.into();
            reasons.extend(of_signatures(&host.repository.signatures, method, arguments.permissions));
        }
        if !reasons.is_empty() {
            return Err(PrError::Refused { number, reasons: reasons.join("; ") }.into());
        }
        ask(&format!("Merge #{number} into {}?", review.details.base_branch), arguments.yes)?;
    }
    let merge = if is_merged {
        Merge { revision: review.details.merge_revision.clone(), was_merged_before: true }
    } else {
        let state = StateDirectory::new(&arguments.place.places.state_directory);
        let on = format!("#{number} of {}", review.details.repository);
        let recorded = Recorded::begin(&state, "pr merge", on)?;
        let work = || {
            let method = arguments.method.into();
            place.ask_github(async |client| client.merge(&review.details, method).await)
        };
        let outcome = with_progress(&format!("merging #{number}"), work);
        recorded.end(&outcome, sentence);
        outcome?
    };
    if arguments.json {
        let result = if merge.was_merged_before { "already_merged" } else { "merged" };
        let revision = merge.revision.as_ref().map(nixfleet_core::Revision::as_str);
        print_json(&Report { result, revision, pull_request: &review, hosts: &hosts })?;
    } else {
        print(&format!("#{number} {}\n", sentence(&merge)))?;
    }
    Ok(Outcome::Done)
}

fn sentence(merge: &Merge) -> String {
    let revision = merge.revision.as_ref().map(|revision| format!(" as {}", revision.short())).unwrap_or_default();
    if merge.was_merged_before { format!("was merged already{revision}") } else { format!("is merged{revision}") }
}

//! `nixfleet pr show`.

use jiff::Timestamp;
use nixfleet_core::github::PullRequestState;
use serde::Serialize;

use super::fleet::{Carrying, Tracking};
use super::hosts::{Carriers, TurningYellow};
use super::place::Place;
use super::review::Review;
use crate::arguments::PrShowArguments;
use crate::progress::with_progress;
use crate::standard_output::{print, print_json};
use crate::{CommandError, Outcome};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    review: &'a Review,
    fleet: Option<Concerned>,
    fleet_problem: Option<String>,
}

/// The hosts that its merge will concern, or has concerned.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Concerned {
    Tracking(Tracking),
    Carrying(Carrying),
}

/// Shows one pull request, whatever it changes.
pub(crate) fn show(arguments: &PrShowArguments) -> Result<Outcome, CommandError> {
    let place = Place::find(&arguments.place)?;
    let review = look(&place, arguments.number)?;
    let (words, fleet, fleet_problem) = hosts(&place, arguments, &review);
    if arguments.json {
        print_json(&Report { review: &review, fleet, fleet_problem })?;
    } else {
        print(&format!("{}{words}", review.text(Timestamp::now())))?;
    }
    Ok(Outcome::Done)
}

pub(super) fn look(place: &Place, number: u64) -> Result<Review, CommandError> {
    let work = || place.ask_github(async |client| Review::of(&client, number).await);
    Ok(with_progress(&format!("asking GitHub about #{number} of {}", place.shown_url()), work)?)
}

/// Nothing is said of hosts where nobody asks for their names.
fn hosts(place: &Place, arguments: &PrShowArguments, review: &Review) -> (String, Option<Concerned>, Option<String>) {
    let (details, prometheus) = (&review.details, &arguments.prometheus);
    if prometheus.access().is_none() {
        return (String::new(), None, None);
    }
    match details.state {
        PullRequestState::Open => {
            let found = TurningYellow::find(place, prometheus, &details.base_branch);
            (format!("once merged: {}\n", found.hosts), found.fleet.map(Concerned::Tracking), found.fleet_problem)
        }
        PullRequestState::Merged => {
            let places = &arguments.place.places;
            let found =
                Carriers::find(place, places, prometheus, &details.base_branch, details.merge_revision.as_ref());
            (format!("{}\n", found.words), found.fleet.map(Concerned::Carrying), found.fleet_problem)
        }
        PullRequestState::Closed => (String::new(), None, None),
    }
}

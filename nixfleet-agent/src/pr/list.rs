//! `nixfleet pr list`.

use std::fmt::Write as _;

use jiff::Timestamp;
use nixfleet_core::Age;
use nixfleet_core::github::{Checks, KnownAnswers, PullRequestDetails};
use serde::Serialize;

use super::place::Place;
use super::review::{checks_words, read_checks, state_words};
use crate::arguments::PrListArguments;
use crate::progress::with_progress;
use crate::standard_output::{print, print_json};
use crate::{CommandError, Outcome};

#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    details: PullRequestDetails,
    checks: Option<Checks>,
    checks_problem: Option<String>,
}

/// Lists the open ones that update `flake.lock`, newest first.
pub(crate) fn list(arguments: &PrListArguments) -> Result<Outcome, CommandError> {
    let place = Place::find(&arguments.place)?;
    let now = Timestamp::now();
    let (listed, left) = with_progress(&format!("asking GitHub about {}", place.shown_url()), || {
        place.ask_github(async |client| {
            let found = client.open_lock_updates(place.filter(), &mut KnownAnswers::default(), now).await?;
            let mut listed = Vec::new();
            for open in &found.list.open {
                let details = client.pull_request(open.number).await?;
                let (checks, checks_problem) = read_checks(&client.for_repository_of(&details), &details).await;
                listed.push(Listed { details, checks, checks_problem });
            }
            Ok((listed, found.left_for_the_next_look))
        })
    })?;
    if left > 0 {
        anstream::eprintln!(
            "nixfleet: {left} older pull requests were not looked into; narrow them down by title or labels"
        );
    }
    if arguments.json {
        print_json(&listed)?;
    } else if listed.is_empty() {
        anstream::eprintln!("no open pull request of {} updates flake.lock and nothing else", place.shown_url());
    } else {
        print(&table(&listed, now))?;
    }
    Ok(Outcome::Done)
}

fn table(listed: &[Listed], now: Timestamp) -> String {
    let mut text = String::new();
    for Listed { details, checks, checks_problem } in listed {
        let age = Age::between(details.opened_at, now).to_string();
        let author = details.author.as_deref().unwrap_or("-");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "#{} {} ({age}, {author})", details.number, details.title);
        let checks = checks_words(checks.as_ref(), checks_problem.as_deref());
        let _ = writeln!(text, "  {}; {checks}; {}", state_words(details), details.url);
    }
    text
}

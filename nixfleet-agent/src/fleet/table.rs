//! The table of a fleet, for people. Its own characters are ASCII.

use std::fmt::Write as _;

use anstyle::Style;
use nixfleet_core::Revision;
use nixfleet_core::model::State;

use super::host::FleetHost;
use super::majority::Majority;
use super::view::View;
use crate::printable::printable;
use crate::status::style;

const STATE_COLUMNS: usize = 10;
const UNKNOWN: &str = "-";
/// Behind a revision that most hosts do not run.
const OFF_MAJORITY: &str = " !";

/// The table with escape sequences for colours; the stream that it goes to removes them where they are not wanted.
pub(crate) fn render(view: &View) -> String {
    let width = |cell: &dyn Fn(&FleetHost) -> String, heading: &str| {
        view.hosts.iter().map(|host| cell(host).chars().count()).fold(heading.len(), usize::max)
    };
    let (name, revision, generation, behind) = (
        width(&name_cell, "HOST"),
        width(&revision_cell, "RUNS"),
        width(&generation_cell, "GEN"),
        width(&behind_cell, "BEHIND"),
    );
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write!(text, "{:name$}  ", "HOST");
    for title in ["AGENT", "GIT", "LOCK", "SYSTEM", "TESTS"] {
        let _ = write!(text, "{title:STATE_COLUMNS$}");
    }
    let _ = writeln!(text, "{:revision$}  {:generation$}  {:behind$}  NOTES", "RUNS", "GEN", "BEHIND");
    let bold = Style::new().bold();
    for host in &view.hosts {
        let mut line = format!("{bold}{:name$}{bold:#}  ", name_cell(host));
        for (_, state) in host.states.iter() {
            let style = style(state.colour());
            let _ = write!(line, "{style}{state:STATE_COLUMNS$}{style:#}");
        }
        let cells = [revision_cell(host), generation_cell(host), behind_cell(host)];
        let _ = write!(line, "{:revision$}  {:generation$}  {:behind$}  ", cells[0], cells[1], cells[2]);
        let notes: Vec<_> = host.notes.iter().map(|note| printable(note)).collect();
        let _ = write!(line, "{}", notes.join("; "));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "{}", summary(view));
    for warning in &view.warnings {
        let _ = writeln!(text, "warning: {}", printable(warning));
    }
    text
}

fn name_cell(host: &FleetHost) -> String {
    printable(&host.name)
}

fn revision_cell(host: &FleetHost) -> String {
    let revision = host.revision.as_ref().map_or(UNKNOWN, Revision::short);
    format!("{revision}{}", if host.is_off_majority { OFF_MAJORITY } else { "" })
}

fn generation_cell(host: &FleetHost) -> String {
    host.generation.map_or_else(|| UNKNOWN.to_owned(), |generation| generation.to_string())
}

fn behind_cell(host: &FleetHost) -> String {
    host.commits_behind.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string())
}

fn summary(view: &View) -> String {
    let counts = [State::Error, State::Outdated, State::Unknown, State::Working, State::Ok].map(|state| {
        let count = view.hosts.iter().filter(|host| host.worst() == state).count();
        (count > 0).then(|| format!("{count} {state}"))
    });
    let counts = counts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let hosts = view.hosts.len();
    let of = if hosts == view.total { String::new() } else { format!(" of {}", view.total) };
    let majority = view.majority.as_ref().map(|majority| majority_words(majority, view.total)).unwrap_or_default();
    let plural = if view.total == 1 { "" } else { "s" };
    let colon = if counts.is_empty() { "" } else { ": " };
    format!("{hosts}{of} host{plural}{colon}{counts}{majority}")
}

/// What most of so many hosts run.
fn majority_words(majority: &Majority, total: usize) -> String {
    let (revision, hosts) = (majority.revision.short(), majority.hosts);
    let marked =
        if hosts < majority.known { format!("; the others are marked with{OFF_MAJORITY}") } else { String::new() };
    match total.saturating_sub(majority.known) {
        0 if hosts == total => format!("; all run {revision}"),
        0 => format!("; {hosts} of {total} run {revision}{marked}"),
        unknown => format!("; {hosts} of {total} run {revision} ({unknown} not known){marked}"),
    }
}

#[cfg(test)]
mod tests {
    use nixfleet_core::model::Compartments;

    use super::*;
    use crate::fleet::majority::mark;

    #[test]
    fn a_fleet() {
        use State::{Error, Ok, Outdated, Unknown};
        let host = |name: &str, digit: &str, states: [State; 5]| {
            let [agent, git, lock, system, tests] = states;
            FleetHost {
                states: Compartments { agent, git, lock, system, tests },
                revision: digit.repeat(40).parse().ok(),
                generation: Some(41),
                ..FleetHost::unknown(name)
            }
        };
        let mut down = host("db\u{1b}[2J", "", [Unknown, Ok, Ok, Ok, Ok]);
        down.notes = vec!["down".to_owned(), "reboot needed".to_owned()];
        let mut behind = host("web2", "b", [Ok, Outdated, Ok, Ok, Error]);
        behind.commits_behind = Some(3);
        let mut hosts = vec![behind, down, host("web1", "a", [Ok; 5]), host("web3", "a", [Ok; 5])];
        let majority = mark(&mut hosts);
        let view = View {
            at: jiff::Timestamp::UNIX_EPOCH,
            hosts,
            majority,
            warnings: vec!["a part is\nmissing".to_owned()],
            total: 9,
        };
        let plain = anstream::adapter::strip_str(&render(&view)).to_string();
        assert_eq!(
            plain,
            "HOST    AGENT     GIT       LOCK      SYSTEM    TESTS     RUNS       GEN  BEHIND  NOTES\n\
             web2    ok        outdated  ok        ok        error     bbbbbbb !  41   3\n\
             db\u{fffd}[2J  unknown   ok        ok        ok        ok        -          41   -       down; reboot needed\n\
             web1    ok        ok        ok        ok        ok        aaaaaaa    41   -\n\
             web3    ok        ok        ok        ok        ok        aaaaaaa    41   -\n\
             4 of 9 hosts: 1 error, 1 unknown, 2 ok; 2 of 9 run aaaaaaa (6 not known); the others are marked with !\n\
             warning: a part is\u{fffd}missing\n"
        );
    }

    #[test]
    fn what_most_run() {
        let revision: Revision = "a".repeat(40).parse().unwrap();
        for (hosts, known, total, expected) in [
            (1, 1, 1, "; all run aaaaaaa"),
            (4, 4, 4, "; all run aaaaaaa"),
            (3, 4, 4, "; 3 of 4 run aaaaaaa; the others are marked with !"),
            (3, 3, 4, "; 3 of 4 run aaaaaaa (1 not known)"),
            (2, 3, 5, "; 2 of 5 run aaaaaaa (2 not known); the others are marked with !"),
        ] {
            assert_eq!(majority_words(&Majority { revision: revision.clone(), hosts, known }, total), expected);
        }
    }
}

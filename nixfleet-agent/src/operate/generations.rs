//! `nixfleet generations`.

use std::fmt::Write as _;
use std::path::Path;

use nixfleet_core::Revision;
use nixfleet_core::observation::Generation;
use nixfleet_core::system::{GenerationDetails, ProfileName, SystemRoot};
use serde::Serialize;

use crate::arguments::GenerationsArguments;
use crate::operate::{OperateError, pass_on};
use crate::printable::printable;
use crate::ssh::SshDestination;
use crate::standard_output::{print, print_json};
use crate::{CommandError, Outcome};

/// A host keeps some dozens; each costs a few files.
const DETAILED_GENERATIONS: usize = 200;
const UNKNOWN: &str = "-";
/// Below the root.
const PROFILE: &str = "nix/var/nix/profiles/system";

#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    generation: &'a Generation,
    is_current: bool,
    is_booted: bool,
}

/// Lists the generations of the system profile, oldest first.
pub(crate) fn generations(
    arguments: &GenerationsArguments,
    host: Option<&SshDestination>,
) -> Result<Outcome, CommandError> {
    let root = format!("--root={}", arguments.root.display());
    let json = arguments.json.then_some("--json");
    let words: Vec<&str> = ["generations", &root].into_iter().chain(json).collect();
    if let Some(outcome) = pass_on(host, &words, None)? {
        return Ok(outcome);
    }
    let root = SystemRoot::new(&arguments.root);
    let details = GenerationDetails::OfNewest(DETAILED_GENERATIONS);
    let found = root.generations(&ProfileName::System, details).map_err(OperateError::from)?;
    if found.is_empty() {
        return Err(OperateError::NoGenerations { path: arguments.root.join(PROFILE) }.into());
    }
    let observed = root.observe();
    let running = observed.running.present().map(|system| system.store_path.as_path());
    let listed = list(&found, running, observed.booted_store_path.present().map(std::path::PathBuf::as_path));
    if arguments.json {
        print_json(&listed)?;
    } else {
        print(&table(&listed))?;
    }
    Ok(Outcome::Done)
}

fn list<'a>(generations: &'a [Generation], running: Option<&Path>, booted: Option<&Path>) -> Vec<Listed<'a>> {
    let (current, booted) = (number_of(generations, running), number_of(generations, booted));
    let listed = generations.iter().map(|generation| Listed {
        generation,
        is_current: Some(generation.number) == current,
        is_booted: Some(generation.number) == booted,
    });
    listed.collect()
}

/// The generation of this system: several may have the same, then the default one of them, else the newest.
fn number_of(generations: &[Generation], store_path: Option<&Path>) -> Option<u64> {
    let of_it = || generations.iter().filter(|it| Some(it.store_path.as_path()) == store_path);
    of_it().find(|it| it.is_profile_default).or_else(|| of_it().next_back()).map(|it| it.number)
}

fn table(listed: &[Listed<'_>]) -> String {
    let heading = ["NUMBER", "CREATED", "REVISION", "NIXOS", "KERNEL", ""].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(listed.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn row(listed: &Listed<'_>) -> [String; 6] {
    let generation = listed.generation;
    let or_unknown = |text: Option<&str>| text.map_or_else(|| UNKNOWN.to_owned(), printable);
    let marks =
        [(listed.is_current, "current"), (listed.is_booted, "booted"), (generation.is_profile_default, "default")];
    let marks: Vec<&str> = marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect();
    [
        generation.number.to_string(),
        generation.created_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        or_unknown(generation.revision.as_ref().map(Revision::short)),
        or_unknown(generation.nixos_version.as_deref()),
        or_unknown(generation.kernel_version.as_deref()),
        marks.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u64, store_path: &str, is_profile_default: bool) -> Generation {
        Generation {
            number,
            store_path: store_path.into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            revision: "a1b2c3d4".repeat(5).parse().ok(),
            nixos_version: Some("26.05.2025".to_owned()),
            kernel_version: None,
            is_profile_default,
        }
    }

    #[test]
    fn marks_the_current_the_booted_and_the_default_one() {
        let generations = [generation(1, "/a", false), generation(2, "/b", true), generation(10, "/b", false)];
        let listed = list(&generations, Some(Path::new("/b")), Some(Path::new("/a")));
        assert_eq!(
            table(&listed),
            "NUMBER  CREATED                  REVISION  NIXOS       KERNEL\n\
             1       1970-01-01 00:00:00 UTC  a1b2c3d   26.05.2025  -       booted\n\
             2       1970-01-01 00:00:00 UTC  a1b2c3d   26.05.2025  -       current, default\n\
             10      1970-01-01 00:00:00 UTC  a1b2c3d   26.05.2025  -\n"
        );
        assert!(list(&generations, None, None).iter().all(|it| !it.is_current && !it.is_booted));
    }
}

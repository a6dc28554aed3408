//! What became of each host.

use serde::Serialize;

use crate::Outcome;

/// What became of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Became {
    /// Done; after a switch with green tests.
    Done,
    /// There was nothing to do.
    Current,
    /// It failed, or its tests are red.
    Failed,
    /// Stopped, timed out, killed or lost there.
    CutOff,
    /// The connection was lost; it goes on there.
    ConnectionLost,
    /// It could not be reached or asked, and was skipped.
    Skipped,
    /// Ctrl-C; it goes on there.
    GoesOn,
    /// It was not begun.
    NotBegun,
}

/// What became of a host, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HostResult {
    pub(crate) name: String,
    /// Its wave, from 1 on; `null` where it was in none.
    pub(crate) wave: Option<usize>,
    pub(crate) result: Became,
    /// One line for people.
    pub(crate) detail: String,
}

impl Became {
    pub(crate) const ALL: [Self; 8] = [
        Self::Done,
        Self::Current,
        Self::Failed,
        Self::CutOff,
        Self::ConnectionLost,
        Self::Skipped,
        Self::GoesOn,
        Self::NotBegun,
    ];

    /// In the words of people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Failed => "failed",
            Self::CutOff => "cut off",
            Self::ConnectionLost => "connection lost",
            Self::Skipped => "skipped",
            Self::GoesOn => "goes on",
            Self::NotBegun => "not begun",
        }
    }

    /// Whether it counts as a failure: something was begun and is not known to be good.
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::CutOff | Self::ConnectionLost)
    }
}

/// The exit code's meaning, for all hosts together: the worst one counts.
pub(crate) fn outcome(results: &[HostResult], stopped_by_signal: bool) -> Outcome {
    let any = |wanted: Became| results.iter().any(|of| of.result == wanted);
    if stopped_by_signal || any(Became::GoesOn) {
        Outcome::Detached
    } else if any(Became::Failed) {
        Outcome::OperationFailed
    } else if any(Became::CutOff) {
        Outcome::OperationCutOff
    } else if any(Became::ConnectionLost) {
        Outcome::ConnectionLost
    } else if any(Became::Skipped) {
        Outcome::HostsSkipped
    } else {
        Outcome::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_is_documented() {
        let document = include_str!("../../../../docs/fleet.md");
        for result in Became::ALL {
            let name = serde_json::to_string(&result).unwrap().replace('"', "");
            assert!(document.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn the_worst_decides() {
        use Became::{ConnectionLost, Current, CutOff, Done, Failed, GoesOn, NotBegun, Skipped};
        for (results, code) in [
            (&[][..], 0),
            (&[Done, Current], 0),
            (&[Done, Skipped], 8),
            (&[Skipped, ConnectionLost], 7),
            (&[ConnectionLost, CutOff], 6),
            (&[CutOff, Failed, NotBegun], 5),
            (&[Failed, GoesOn], 130),
        ] {
            let of = |result: &Became| HostResult {
                name: String::new(),
                wave: None,
                result: *result,
                detail: String::new(),
            };
            let results: Vec<_> = results.iter().map(of).collect();
            assert_eq!(outcome(&results, false).code(), code, "{results:?}");
            assert_eq!(outcome(&results, true).code(), 130);
        }
    }
}

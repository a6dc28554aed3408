//! Which hosts of a fleet are meant.

use std::str::FromStr;

use nixfleet_core::model::{Compartment, State};

use super::host::FleetHost;

/// `--state git=outdated,error`, or `--state error` for any compartment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFilter {
    compartment: Option<Compartment>,
    states: Vec<State>,
}

/// `--label KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFilter {
    key: String,
    value: String,
}

/// `--revision a1b2c3d`: the first digits of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionFilter(String);

/// Why a filter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No such compartment.
    #[error("there is no compartment {0:?}: name agent, git, lock, system or tests")]
    Compartment(String),
    /// No such state.
    #[error("there is no state {0:?}: name ok, outdated, error, working or unknown")]
    State(String),
    /// No digits of a commit.
    #[error("{0:?} is not the beginning of a commit's id: give some of its hexadecimal digits")]
    Revision(String),
    /// Not of the form key=value.
    #[error("it is not of the form KEY=VALUE")]
    Label,
}

impl FromStr for StateFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (compartment, states) = match text.split_once('=') {
            Some((name, states)) => {
                let found = Compartment::ALL.into_iter().find(|it| it.name() == name);
                (Some(found.ok_or_else(|| FilterError::Compartment(name.to_owned()))?), states)
            }
            None => (None, text),
        };
        let state = |name: &str| {
            let found = State::ALL.into_iter().find(|state| state.name() == name || state.colour().name() == name);
            found.ok_or_else(|| FilterError::State(name.to_owned()))
        };
        let states = states.split(',').map(state).collect::<Result<_, _>>()?;
        Ok(Self { compartment, states })
    }
}

impl FromStr for RevisionFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let is_id = (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { Ok(Self(text.to_ascii_lowercase())) } else { Err(FilterError::Revision(text.to_owned())) }
    }
}

impl FromStr for LabelFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.to_owned(), value: value.to_owned() }),
            _ => Err(FilterError::Label),
        }
    }
}

/// What is asked of a host to be meant; all of it has to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// Empty: all.
    pub(crate) names: Vec<String>,
    pub(crate) states: Vec<StateFilter>,
    pub(crate) labels: Vec<LabelFilter>,
    /// Of the commit that runs.
    pub(crate) revision: Option<RevisionFilter>,
    pub(crate) off_majority: bool,
}

impl Selection {
    pub(crate) fn matches(&self, host: &FleetHost) -> bool {
        let runs = |filter: &RevisionFilter| {
            host.revision.as_ref().is_some_and(|revision| revision.as_str().starts_with(&filter.0))
        };
        (self.names.is_empty() || self.names.contains(&host.name))
            && self.states.iter().all(|filter| filter.matches(host))
            && self.labels.iter().all(|filter| host.labels.get(&filter.key) == Some(&filter.value))
            && self.revision.as_ref().is_none_or(runs)
            && (!self.off_majority || host.is_off_majority)
    }

    /// Whether nothing is asked: every host is meant.
    pub(crate) fn is_everything(&self) -> bool {
        self.names.is_empty()
            && self.states.is_empty()
            && self.labels.is_empty()
            && self.revision.is_none()
            && !self.off_majority
    }

    /// The names that no host has.
    pub(crate) fn unknown_names(&self, hosts: &[FleetHost]) -> Vec<String> {
        let is_unknown = |name: &&String| !hosts.iter().any(|host| host.name == **name);
        self.names.iter().filter(is_unknown).cloned().collect()
    }
}

impl StateFilter {
    fn matches(&self, host: &FleetHost) -> bool {
        let mut of = host.states.iter().filter(|(compartment, _)| self.compartment.is_none_or(|it| it == *compartment));
        of.any(|(_, state)| self.states.contains(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let mut host = FleetHost::unknown("web1");
        host.states.git = State::Outdated;
        host.labels.insert("rack".to_owned(), "a \"b\"=c".to_owned());
        host.revision = "a1b2c3d4".repeat(5).parse().ok();
        let state = |text: &str| Selection { states: vec![text.parse().unwrap()], ..Selection::default() };
        let label = |text: &str| Selection { labels: vec![text.parse().unwrap()], ..Selection::default() };
        let revision = |text: &str| Selection { revision: Some(text.parse().unwrap()), ..Selection::default() };
        for (selection, expected) in [
            (Selection::default(), true),
            (Selection { names: vec!["web1".to_owned()], ..Selection::default() }, true),
            (Selection { names: vec!["web".to_owned()], ..Selection::default() }, false),
            (state("git=outdated"), true),
            (state("git=error,outdated"), true),
            (state("git=yellow"), true),
            (state("lock=outdated"), false),
            (state("outdated"), true),
            (state("error"), false),
            (label("rack=a \"b\"=c"), true),
            (label("rack=a"), false),
            (label("row=a"), false),
            (revision("a1b2"), true),
            (revision("A1B2"), true),
            (revision("b1"), false),
            (Selection { off_majority: true, ..Selection::default() }, false),
        ] {
            assert_eq!(selection.matches(&host), expected, "{selection:?}");
            assert_eq!(selection.is_everything(), format!("{selection:?}") == format!("{:?}", Selection::default()));
        }
        let names = Selection { names: vec!["web1".to_owned(), "web2".to_owned()], ..Selection::default() };
        assert_eq!(names.unknown_names(&[host]), ["web2"]);
    }

    #[test]
    fn what_is_no_filter() {
        assert_eq!("gti=ok".parse::<StateFilter>(), Err(FilterError::Compartment("gti".to_owned())));
        for text in ["", "git=", "git=ok,", "orange", "git=ok=ok"] {
            assert!(text.parse::<StateFilter>().is_err(), "{text}");
        }
        for text in ["", "xyz", "a1b2 ", &"a".repeat(41)] {
            assert!(text.parse::<RevisionFilter>().is_err(), "{text}");
        }
        for text in ["", "rack", "=a"] {
            assert!(text.parse::<LabelFilter>().is_err(), "{text}");
        }
    }
}

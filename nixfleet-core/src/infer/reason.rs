//! Reasons: borrowed from the evidence, text only when displayed.

use std::fmt;

use super::{agent, git, lock, remote, system, tests};

/// Why a compartment is in its state. Displayed as one line for people; the words are not an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason<'a>(Kind<'a>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind<'a> {
    Agent(agent::Why<'a>),
    Git(git::Why<'a>),
    Lock(lock::Why<'a>),
    Remote(remote::Why<'a>),
    System(system::Why<'a>),
    Tests(tests::Why<'a>),
    /// With something else that a person has to know.
    Noted(Box<Reason<'a>>, &'a str),
}

impl<'a> Reason<'a> {
    pub(super) fn noted(self, note: &'a str) -> Self {
        Self(Kind::Noted(Box::new(self), note))
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Agent(why) => why.fmt(formatter),
            Kind::Git(why) => why.fmt(formatter),
            Kind::Lock(why) => why.fmt(formatter),
            Kind::Remote(why) => why.fmt(formatter),
            Kind::System(why) => why.fmt(formatter),
            Kind::Tests(why) => why.fmt(formatter),
            Kind::Noted(reason, note) => write!(formatter, "{reason}; {note}"),
        }
    }
}

impl<'a> From<agent::Why<'a>> for Reason<'a> {
    fn from(why: agent::Why<'a>) -> Self {
        Self(Kind::Agent(why))
    }
}

impl<'a> From<git::Why<'a>> for Reason<'a> {
    fn from(why: git::Why<'a>) -> Self {
        Self(Kind::Git(why))
    }
}

impl<'a> From<lock::Why<'a>> for Reason<'a> {
    fn from(why: lock::Why<'a>) -> Self {
        Self(Kind::Lock(why))
    }
}

impl<'a> From<remote::Why<'a>> for Reason<'a> {
    fn from(why: remote::Why<'a>) -> Self {
        Self(Kind::Remote(why))
    }
}

impl<'a> From<system::Why<'a>> for Reason<'a> {
    fn from(why: system::Why<'a>) -> Self {
        Self(Kind::System(why))
    }
}

impl<'a> From<tests::Why<'a>> for Reason<'a> {
    fn from(why: tests::Why<'a>) -> Self {
        Self(Kind::Tests(why))
    }
}

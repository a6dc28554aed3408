//! What GitHub told, from one look to the next.

use nixfleet_core::config::HostConfig;
use nixfleet_core::github::KnownAnswers;

/// The answers that are known, and the settings that they were asked with.
#[derive(Debug, Default)]
pub(super) struct ToldByGithub {
    known: KnownAnswers,
    settings: Option<HostConfig>,
}

impl ToldByGithub {
    /// What is known with these settings: an entity tag of another token or repository is worth nothing.
    pub(super) fn with(&mut self, config: &HostConfig) -> &KnownAnswers {
        if self.settings.as_ref() != Some(config) {
            *self = Self { known: KnownAnswers::default(), settings: Some(config.clone()) };
        }
        &self.known
    }

    /// For the next look.
    pub(super) fn keep(&mut self, known: KnownAnswers) {
        self.known = known;
    }
}

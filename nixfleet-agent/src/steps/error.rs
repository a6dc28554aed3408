//! Why a step failed.

use nixfleet_core::observation::Phase;

/// A step failed: in which part, with which exit code, and one sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub(super) struct StepError {
    pub(super) phase: Phase,
    pub(super) exit_code: i32,
    pub(super) sentence: String,
    /// The journal has it already.
    pub(super) is_recorded: bool,
}

impl StepError {
    pub(super) fn new(phase: Phase, sentence: impl std::fmt::Display) -> Self {
        Self { phase, exit_code: 1, sentence: sentence.to_string(), is_recorded: false }
    }

    /// For use in `map_err`.
    pub(super) fn in_phase<E: std::fmt::Display>(phase: Phase) -> impl Fn(E) -> Self {
        move |error| Self::new(phase, error)
    }

    pub(super) fn exit_code(self, exit_code: i32) -> Self {
        Self { exit_code, ..self }
    }
}

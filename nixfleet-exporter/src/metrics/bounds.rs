//! How many series a host has at most.
//!
//! Everything but the flake's inputs has a place of its own. The inputs get what is left, so that a host keeps within
//! the bound whatever its flake looks like.

/// The series of a host, beyond those of single tests.
pub const SERIES: usize = 120;

/// The single tests of a host that are shown.
pub const TESTS: usize = 20;

/// The open pull requests that are shown one by one; more are counted.
pub const PULL_REQUESTS: usize = 3;

/// The inputs of which a host always shows its two series each, however many other series it has.
pub const INPUTS_MIN: usize = 2;

/// All series but those of inputs, single pull requests, single tests, and counters of operations.
const FIXED: usize = 85;

/// How many inputs are shown where `operation_counters` counters of operations exist: 2 to 12. The number falls, for good,
/// when an operation ends for the first time in another way than success or failure.
pub(super) fn inputs(operation_counters: usize) -> usize {
    SERIES.saturating_sub(FIXED + PULL_REQUESTS + operation_counters) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_a_young_host_to_one_that_has_seen_everything() {
        assert_eq!(inputs(8), 12);
        assert_eq!(inputs(28), INPUTS_MIN);
        assert_eq!(inputs(1000), 0);
    }
}

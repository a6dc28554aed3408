//! The units of the operations: their names.

use nixfleet_core::observation::Operation;

/// The unit that runs this operation; `generation` is where a rollback goes to, absent for the previous one.
pub(super) fn unit_of(operation: Operation, generation: Option<u64>) -> String {
    match generation {
        Some(number) => format!("nixfleet-{operation}@{number}.service"),
        None => format!("nixfleet-{operation}.service"),
    }
}

/// The operation that this unit runs.
pub(super) fn operation_of(unit: &str) -> Option<Operation> {
    let name = unit.strip_prefix("nixfleet-")?.strip_suffix(".service")?;
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    Operation::ALL.into_iter().find(|operation| operation.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units() {
        for operation in Operation::ALL {
            assert_eq!(operation_of(&unit_of(operation, None)), Some(operation));
        }
        assert_eq!(unit_of(Operation::Rollback, Some(41)), "nixfleet-rollback@41.service");
        assert_eq!(operation_of("nixfleet-rollback@41.service"), Some(Operation::Rollback));
        for other in ["nixfleet-agent.service", "nixfleet-pull.socket", "pull", ""] {
            assert_eq!(operation_of(other), None, "{other}");
        }
    }
}

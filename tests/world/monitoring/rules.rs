//! The rules for Prometheus.

use std::fmt::Write as _;
use std::path::Path;

use super::repository;

/// Where the recording rules are.
pub const RECORDING: &str = "modules/monitoring/rules/nixfleet-recording.yaml";
/// Where the alerts are.
pub const ALERTS: &str = "modules/monitoring/rules/nixfleet-alerts.yaml";

/// The text of a file of the repository.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names that follow this key in the rules: `alert` or `record`.
pub fn names(rules: &str, key: &str) -> Vec<String> {
    let key = format!("- {key}: ");
    rules.lines().filter_map(|line| line.trim_start().strip_prefix(&key)).map(str::to_owned).collect()
}

/// Writes both files to this directory, evaluated every second and with nothing to wait for, so that a test can see what
/// they make of a fleet at once. Everything else is as it is.
pub fn write_hurried(directory: &Path) {
    for path in [RECORDING, ALERTS] {
        let mut hurried = String::new();
        for line in text(path).lines() {
            let key = line.trim_start().split(':').next().unwrap();
            let indent = &line[..line.len() - line.trim_start().len()];
            let hurried_value = match key {
                "interval" | "keep_firing_for" => Some("1s"),
                "for" => Some("0s"),
                _ => None,
            };
            match hurried_value {
                Some(value) => writeln!(hurried, "{indent}{key}: {value}").unwrap(),
                None => writeln!(hurried, "{line}").unwrap(),
            }
        }
        std::fs::write(directory.join(Path::new(path).file_name().unwrap()), hurried).unwrap();
    }
}

//! The metrics that the documentation promises.

/// The names in `docs/metrics.md`.
pub fn documented() -> Vec<String> {
    let rows = include_str!("../../docs/metrics.md").lines().filter_map(|line| line.strip_prefix("| `nixfleet_"));
    let names: Vec<String> = rows.map(|row| format!("nixfleet_{}", row.split('`').next().unwrap())).collect();
    assert!(names.len() > 30, "{names:?}");
    names
}

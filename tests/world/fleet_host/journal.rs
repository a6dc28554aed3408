//! The journal of operations, as a story reads it: with no help of nixfleet.

use serde_json::Value;

use super::FleetHost;

const JOURNAL: &str = "/var/lib/nixfleet/journal.jsonl";

/// All that the journal has of one run.
#[derive(Debug, Clone, Default)]
pub struct Run {
    pub operation: String,
    pub invocation_id: String,
    /// The parts that it went through.
    pub phases: Vec<String>,
    /// One at most, and none while it runs or where nobody could tell.
    pub results: Vec<String>,
    pub detail: String,
    pub exit_code: Option<i64>,
}

impl FleetHost<'_> {
    /// The runs in the order of their starts.
    pub fn journal_runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        // A line that is being written has no end yet.
        let text = self.machine.try_read(JOURNAL).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in whole.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
            let id = text("invocation_id");
            if entry["event"] == "started" {
                let operation = text("operation");
                runs.push(Run { operation, invocation_id: id, ..Run::default() });
                continue;
            }
            let Some(run) = runs.iter_mut().find(|run| run.invocation_id == id) else { continue };
            if entry["event"] == "progress" {
                run.phases.push(text("phase"));
            } else if entry["event"] == "ended" {
                run.results.push(text("result"));
                run.detail = text("detail");
                run.exit_code = entry["exit_code"].as_i64();
            }
        }
        runs
    }

    /// The last run of an operation.
    pub fn last_run(&self, operation: &str) -> Run {
        let runs = self.journal_runs();
        runs.into_iter().rfind(|run| run.operation == operation).unwrap_or_default()
    }
}

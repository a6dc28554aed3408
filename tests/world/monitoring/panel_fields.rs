//! Which fields Grafana makes of answers, and what the transformations of a panel leave of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dashboard::{Target, elements, string};

/// The names of a panel's fields after its transformations; an error names what a transformation refers to in vain.
pub fn fields(panel: &Value, answers: &[(Target, Vec<Value>)]) -> Result<BTreeSet<String>, String> {
    let mut fields = BTreeSet::new();
    let tables = answers.iter().filter(|(target, _)| target.is_table).count();
    for (target, series) in answers {
        fields.extend(if target.is_table { columns(target, series, tables) } else { legends(target, series) });
    }
    for transformation in elements(&panel["transformations"]) {
        let options = &transformation["options"];
        match transformation["id"].as_str() {
            Some("joinByField") => {
                let key = string(&options["byField"]);
                for (target, series) in answers {
                    known(&columns(target, series, tables), &key, "joined by")?;
                }
                // Grafana numbers the columns that are in more than one answer; the key is in all of them once.
                fields.extend((1..=answers.len()).map(|number| format!("Time {number}")));
            }
            Some("sortBy") => {
                for key in elements(&options["sort"]) {
                    known(&fields, &string(&key["field"]), "sorted by")?;
                }
            }
            Some("organize") => fields = organized(&fields, options)?,
            other => return Err(format!("the transformation {other:?} is not known here")),
        }
    }
    Ok(fields)
}

/// The columns of an answer in the format "table".
fn columns(target: &Target, series: &[Value], tables: usize) -> BTreeSet<String> {
    let labels = series.iter().flat_map(|one| one["metric"].as_object().unwrap().keys().cloned());
    let value = if tables > 1 { format!("Value #{}", target.ref_id) } else { "Value".to_owned() };
    labels.chain(["Time".to_owned(), value]).collect()
}

/// The names of the series of an answer.
fn legends(target: &Target, series: &[Value]) -> BTreeSet<String> {
    let legend = |one: &Value| {
        let mut legend = target.legend.clone();
        for (label, value) in one["metric"].as_object().unwrap() {
            legend = legend.replace(&format!("{{{{{label}}}}}"), value.as_str().unwrap());
        }
        legend
    };
    series.iter().map(legend).collect()
}

fn organized(fields: &BTreeSet<String>, options: &Value) -> Result<BTreeSet<String>, String> {
    let map = |key: &str| options[key].as_object().cloned().unwrap_or_default();
    let (excluded, renamed) = (map("excludeByName"), map("renameByName"));
    for name in excluded.keys().chain(renamed.keys()).chain(map("indexByName").keys()) {
        known(fields, name, "organized")?;
    }
    let kept = fields.iter().filter(|name| excluded.get(*name) != Some(&Value::Bool(true)));
    Ok(kept.map(|name| renamed.get(name).map_or_else(|| name.clone(), string)).collect())
}

fn known(fields: &BTreeSet<String>, name: &str, what: &str) -> Result<(), String> {
    if fields.contains(name) { Ok(()) } else { Err(format!("{name} is {what}, but there are only {fields:?}")) }
}

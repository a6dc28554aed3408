//! The dashboards, as Grafana reads them.

use serde_json::Value;

use super::rules::text;

/// The dashboards of the repository.
pub const DASHBOARDS: [&str; 2] = ["nixfleet-fleet", "nixfleet-host"];

/// One of them.
#[derive(Debug)]
pub struct Dashboard {
    pub name: &'static str,
    pub json: Value,
}

/// What a panel asks Prometheus.
#[derive(Debug, Clone)]
pub struct Target {
    pub ref_id: String,
    pub expression: String,
    pub legend: String,
    pub is_table: bool,
    pub is_instant: bool,
}

impl Dashboard {
    pub fn read(name: &'static str) -> Self {
        let json = serde_json::from_str(&text(&format!("modules/monitoring/dashboards/{name}.json")));
        Self { name, json: json.unwrap_or_else(|error| panic!("{name}: {error}")) }
    }

    /// All panels but the headings of rows.
    pub fn panels(&self) -> Vec<&Value> {
        elements(&self.json["panels"]).filter(|panel| panel["type"] != "row").collect()
    }

    /// The names of its variables.
    pub fn variables(&self) -> Vec<String> {
        elements(&self.json["templating"]["list"]).map(|variable| string(&variable["name"])).collect()
    }

    /// `dashboard: panel`, for messages.
    pub fn title(&self, panel: &Value) -> String {
        format!("{}: {}", self.name, panel["title"])
    }
}

/// What a panel asks; nothing where it only has a text.
pub fn targets(panel: &Value) -> Vec<Target> {
    let target = |json: &Value| Target {
        ref_id: string(&json["refId"]),
        expression: string(&json["expr"]),
        legend: json["legendFormat"].as_str().unwrap_or_default().to_owned(),
        is_table: json["format"] == "table",
        is_instant: json["instant"] == true,
    };
    elements(&panel["targets"]).map(target).collect()
}

/// The elements of a list; none where there is no list.
pub fn elements(json: &Value) -> impl Iterator<Item = &Value> {
    json.as_array().into_iter().flatten()
}

/// A string that has to be one.
pub fn string(json: &Value) -> String {
    json.as_str().unwrap_or_else(|| panic!("{json} is no string")).to_owned()
}

/// An expression as Grafana sends it, with these values of the dashboard's variables.
pub fn interpolated(expression: &str, job: &str, host: &str) -> String {
    let regex: String = host
        .chars()
        .flat_map(|character| {
            let escaped = "\\^$*+?.()|[]{}/".contains(character).then_some('\\');
            escaped.into_iter().chain([character])
        })
        .collect();
    let filled = expression
        .replace("${job:raw}", job)
        .replace("${host:raw}", host)
        .replace("${host:regex}", &regex)
        .replace("$__interval", "2m");
    assert!(!filled.contains("${") && !filled.contains("$_"), "a variable is left in {filled}");
    filled
}

//! From series to hosts. No recording rule is needed: what a host that is down showed last is asked for by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use nixfleet_core::Age;
use nixfleet_core::model::{Compartment, State};

use super::answer::{Sample, Vector};
use super::quoted::{one_of, string};
use super::{Client, PrometheusError};
use crate::fleet::host::{FleetHost, state_mut};
use crate::fleet::reach::without_port;

/// How far back the last states of a host that is down are looked for.
const LAST_STATES_HOURS: u8 = 6;
/// So many of them at once: the expression has to stay one that a server takes.
const LAST_STATES_HOSTS: usize = 50;
/// A target that was not scraped for so long is told of; scrape intervals beyond a minute are rare.
const STALE_AFTER: Duration = Duration::from_mins(2);

const STATES: &str = "nixfleet_compartment_state";
const FACTS: &str = "nixfleet_git_info|nixfleet_system_info|nixfleet_system_generation|nixfleet_git_commits_behind|\
                     nixfleet_system_reboot_required|nixfleet_system_rollback_held|nixfleet_system_changed_outside";

/// What Prometheus knows of a fleet.
#[derive(Debug)]
pub(crate) struct PrometheusFleet {
    pub(crate) hosts: Vec<FleetHost>,
    /// What it said of its own answers, such as that a part is missing.
    pub(crate) warnings: Vec<String>,
}

/// The vectors that a fleet is read from.
#[derive(Debug, Default)]
struct Series {
    up: Vector,
    /// Seconds since the last scrape.
    ages: Vector,
    states: Vector,
    facts: Vector,
    /// Of targets that are down.
    last_states: Vec<Sample>,
}

/// Asks for the hosts of this job.
pub(crate) fn look(client: &Client, job: &str) -> Result<PrometheusFleet, PrometheusError> {
    let job_is = format!("job={}", string(job));
    let mut series = Series {
        up: client.query(&format!("up{{{job_is}}}"))?,
        ages: client.query(&format!("time() - timestamp(up{{{job_is}}})"))?,
        states: client.query(&format!("{STATES}{{{job_is}}} == 1"))?,
        facts: client.query(&format!("{{__name__=~{},{job_is}}}", string(FACTS)))?,
        last_states: Vec::new(),
    };
    if series.up.samples.is_empty() && series.states.samples.is_empty() {
        return Err(PrometheusError::NoHosts { url: client.address().to_owned(), job: job.to_owned() });
    }
    let mut warnings: Vec<String> = Vec::new();
    let down: Vec<&str> = series.up.samples.iter().filter(|up| !is_one(up.value)).map(instance).collect();
    for some in down.chunks(LAST_STATES_HOSTS) {
        let of_them = one_of(some.iter().copied());
        let expression = format!("last_over_time({STATES}{{{job_is},instance=~{of_them}}}[{LAST_STATES_HOURS}h]) == 1");
        match client.query(&expression) {
            Ok(vector) => series.last_states.extend(vector.samples),
            // Gray is right without it.
            Err(error) => warnings.push(format!("the last states of hosts that are down are not known: {error}")),
        }
    }
    for vector in [&series.up, &series.states, &series.facts] {
        warnings.extend(vector.warnings.iter().map(|warning| format!("Prometheus: {warning}")));
    }
    warnings.sort();
    warnings.dedup();
    Ok(PrometheusFleet { hosts: hosts(&series), warnings })
}

fn instance(sample: &Sample) -> &str {
    sample.labels.get("instance").map_or("", String::as_str)
}

fn is_one(value: f64) -> bool {
    (value - 1.0).abs() < f64::EPSILON
}

fn name_of(labels: &BTreeMap<String, String>) -> String {
    let instance = labels.get("instance").map_or("", String::as_str);
    labels.get("host").filter(|host| !host.is_empty()).map_or_else(|| without_port(instance).to_owned(), Clone::clone)
}

fn hosts(series: &Series) -> Vec<FleetHost> {
    let mut targets: BTreeMap<&str, FleetHost> = BTreeMap::new();
    for up in &series.up.samples {
        targets.insert(instance(up), target(&up.labels, Some(is_one(up.value))));
    }
    // Series that reached this server by another way than by a scrape have no `up`.
    for sample in &series.states.samples {
        targets.entry(instance(sample)).or_insert_with(|| target(&sample.labels, None));
    }
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for sample in &series.states.samples {
        if let Some(host) = targets.get_mut(instance(sample)).filter(|host| host.is_up != Some(false)) {
            *told.entry(instance(sample)).or_default() += usize::from(take_state(host, sample));
        }
    }
    for sample in &series.last_states {
        if let Some(host) = targets.get_mut(instance(sample)) {
            *told.entry(instance(sample)).or_default() += usize::from(take_state(host, sample));
        }
    }
    for sample in &series.facts.samples {
        if let Some(host) = targets.get_mut(instance(sample)) {
            take_fact(host, sample);
        }
    }
    for (place, host) in &mut targets {
        let age = series.ages.samples.iter().find(|age| instance(age) == *place).map(|age| age.value);
        judge(host, told.get(place).copied().unwrap_or(0), age);
    }
    without_twins(targets)
}

fn target(labels: &BTreeMap<String, String>, is_up: Option<bool>) -> FleetHost {
    let mut labels = labels.clone();
    let name = name_of(&labels);
    for of_the_series in ["__name__", "compartment", "state"] {
        labels.remove(of_the_series);
    }
    FleetHost { labels, is_up, ..FleetHost::unknown(&name) }
}

/// True where it says something that is understood here.
fn take_state(host: &mut FleetHost, sample: &Sample) -> bool {
    let label = |key: &str| sample.labels.get(key).map_or("", String::as_str);
    let compartment = Compartment::ALL.into_iter().find(|it| it.name() == label("compartment"));
    let state = State::ALL.into_iter().find(|it| it.name() == label("state"));
    let (Some(compartment), Some(state)) = (compartment, state) else { return false };
    *state_mut(&mut host.states, compartment) = state;
    true
}

fn take_fact(host: &mut FleetHost, sample: &Sample) {
    let revision = |key: &str| sample.labels.get(key).and_then(|text| text.parse().ok());
    let note = |is_so: bool, note: &str| is_so.then(|| note.to_owned());
    let is_so = is_one(sample.value);
    match sample.labels.get("__name__").map_or("", String::as_str) {
        "nixfleet_git_info" => {
            host.branch = sample.labels.get("branch").filter(|branch| !branch.is_empty()).cloned();
            host.local_revision = revision("local_revision");
            host.remote_revision = revision("remote_revision");
        }
        "nixfleet_system_info" => host.revision = revision("revision"),
        "nixfleet_system_generation" => host.generation = whole(sample.value),
        "nixfleet_git_commits_behind" => host.commits_behind = whole(sample.value),
        "nixfleet_system_reboot_required" => host.notes.extend(note(is_so, "reboot needed")),
        "nixfleet_system_rollback_held" => host.notes.extend(note(is_so, "local HEAD is held")),
        "nixfleet_system_changed_outside" => host.notes.extend(note(is_so, "changed by hand")),
        _ => {}
    }
}

/// A count, as Prometheus' floating point numbers hold it.
fn whole(value: f64) -> Option<u64> {
    let is_count = value.fract().abs() < f64::EPSILON && (0.0..9e15).contains(&value);
    is_count.then(|| format!("{value:.0}").parse().ok()).flatten()
}

fn judge(host: &mut FleetHost, told: usize, age_seconds: Option<f64>) {
    if host.is_up == Some(false) {
        host.states.agent = State::Unknown;
        let before = match told {
            0 => format!("down, and nothing is known of the last {LAST_STATES_HOURS} h"),
            _ => "down; the other states are those of before".to_owned(),
        };
        host.notes.insert(0, before);
        return;
    }
    match told {
        0 => host.notes.insert(0, "its exporter says nothing of nixfleet".to_owned()),
        1..5 => host.notes.insert(0, format!("its exporter tells of {told} of 5 compartments")),
        _ => {}
    }
    let age = age_seconds.filter(|age| age.is_finite() && *age >= 0.0).map(Duration::from_secs_f64);
    if let Some(age) = age.filter(|age| *age > STALE_AFTER) {
        host.notes.insert(0, format!("last scraped {} ago", Age::from(age)));
    }
}

/// One host for each name. Of several targets the one that is up is shown, and it is said that there are others.
fn without_twins(targets: BTreeMap<&str, FleetHost>) -> Vec<FleetHost> {
    let mut by_name: BTreeMap<String, Vec<(&str, FleetHost)>> = BTreeMap::new();
    for (place, host) in targets {
        by_name.entry(host.name.clone()).or_default().push((place, host));
    }
    let one = |mut twins: Vec<(&str, FleetHost)>| {
        let places: Vec<&str> = twins.iter().map(|(place, _)| *place).collect();
        let note = format!("{} exporters: {}", places.len(), places.join(", "));
        twins.sort_by_key(|(_, host)| host.is_up == Some(false));
        let (place, mut host) = twins.swap_remove(0);
        if !twins.is_empty() {
            host.notes.push(format!("{note}; shown is {place}"));
        }
        host
    };
    by_name.into_values().map(one).collect()
}

#[cfg(test)]
mod tests;

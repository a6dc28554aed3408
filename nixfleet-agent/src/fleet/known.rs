//! The hosts of a fleet: what is known of each, and how it is reached.

use std::collections::{BTreeMap, BTreeSet};

use super::FleetError;
use super::host::FleetHost;
use super::prometheus::{Client, look};
use super::reach::{ReachError, destination};
use super::selection::Selection;
use super::source::{self, ListedHost};
use crate::arguments::FleetHostsArguments;
use crate::ssh::SshDestination;

/// A host, and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct KnownHost {
    pub(crate) host: FleetHost,
    pub(crate) destination: Result<SshDestination, ReachError>,
}

/// All hosts that there are.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) hosts: Vec<KnownHost>,
    pub(crate) warnings: Vec<String>,
    /// Whether Prometheus told of them; else only their names are known.
    pub(crate) by_prometheus: bool,
}

/// The names that are meant; none means all.
pub(crate) fn names(arguments: &FleetHostsArguments) -> Vec<String> {
    arguments.names.iter().chain(&arguments.hosts).filter(|name| !name.is_empty()).cloned().collect()
}

/// What is asked of a host to be meant.
pub(crate) fn selection(arguments: &FleetHostsArguments) -> Selection {
    Selection {
        names: names(arguments),
        states: arguments.states.clone(),
        labels: arguments.labels.clone(),
        revision: arguments.revision.clone(),
        off_majority: arguments.off_majority,
    }
}

/// Finds the hosts. Where a name is asked for that none has, that is an error: a typing mistake must not pass for a host
/// that needs nothing.
pub(crate) fn find(arguments: &FleetHostsArguments) -> Result<Known, FleetError> {
    let listed = match &arguments.hosts_file {
        Some(path) => source::read(path)?,
        None => Vec::new(),
    };
    let asked = names(arguments);
    let (mut hosts, mut warnings) = (Vec::new(), Vec::new());
    let access = arguments.prometheus.access();
    if let Some(access) = &access {
        let fleet = look(&Client::new(access)?, &arguments.prometheus.job)?;
        (hosts, warnings) = (fleet.hosts, fleet.warnings);
    }
    add_listed(&mut hosts, &listed, access.is_some());
    if access.is_none() && arguments.hosts_file.is_none() {
        if asked.is_empty() {
            return Err(FleetError::NoSource);
        }
        let once: BTreeSet<&String> = asked.iter().collect();
        hosts = once.into_iter().map(|name| FleetHost::unknown(name)).collect();
    }
    let unknown = selection(arguments).unknown_names(&hosts);
    if !unknown.is_empty() {
        return Err(FleetError::UnknownHosts(unknown.join(", ")));
    }
    let reach = |host: FleetHost| {
        let of_file = listed.iter().find(|listed| listed.name == host.name).and_then(|listed| listed.ssh.clone());
        let destination = match of_file {
            Some(destination) if destination.user().is_none() => match &arguments.ssh_user {
                Some(user) => reach_as(user, &destination),
                None => Ok(destination),
            },
            Some(destination) => Ok(destination),
            None => destination(&arguments.ssh_template, arguments.ssh_user.as_deref(), &host.name, &host.labels),
        };
        KnownHost { host, destination }
    };
    Ok(Known { hosts: hosts.into_iter().map(reach).collect(), warnings, by_prometheus: access.is_some() })
}

fn reach_as(user: &str, there: &SshDestination) -> Result<SshDestination, ReachError> {
    destination(&there.to_string(), Some(user), "", &BTreeMap::new())
}

fn add_listed(hosts: &mut Vec<FleetHost>, listed: &[ListedHost], by_prometheus: bool) {
    for entry in listed {
        let place = hosts.iter().position(|host| host.name == entry.name).unwrap_or_else(|| {
            let mut host = FleetHost::unknown(&entry.name);
            if by_prometheus {
                host.notes.push("in the hosts file, unknown to Prometheus".to_owned());
            }
            hosts.push(host);
            hosts.len() - 1
        });
        if let Some(host) = hosts.get_mut(place) {
            host.labels.extend(entry.labels.clone());
        }
    }
}

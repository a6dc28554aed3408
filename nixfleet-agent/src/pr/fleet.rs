//! The hosts of the fleet that a change of the branch concerns, as Prometheus knows them.
//!
//! The metrics tell a host's branch and its commits, and not its remote: a host that tracks a branch of the same name
//! elsewhere is told, too.

use nixfleet_core::Revision;
use serde::Serialize;

use crate::arguments::PrPrometheusArguments;
use crate::fleet::{Client, FleetHost, look};
use crate::progress::with_progress;

/// So many names are told to people; JSON has all of them.
const SHOWN_NAMES: usize = 20;

/// What Prometheus told of the hosts.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// Absent where no Prometheus is named, or where it does not tell.
    hosts: Option<Vec<FleetHost>>,
    /// Why it does not tell, or not all. No reason to stop: hosts that are not named are concerned all the same.
    pub(super) problem: Option<String>,
}

/// Hosts by whether they track a branch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tracking {
    pub(super) tracking: Vec<String>,
    /// Down, or their metrics do not tell.
    pub(super) unknown: Vec<String>,
}

/// Hosts by whether they have a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Carrying {
    pub(super) running: Vec<String>,
    /// Their checkout has it, and what runs does not, or cannot be compared.
    pub(super) pulled: Vec<String>,
    /// It never came there, or it was taken back since.
    pub(super) without: Vec<String>,
    /// Down, or their commits are not known on this machine.
    pub(super) unknown: Vec<String>,
}

impl Fleet {
    /// Asks Prometheus, where one is named.
    pub(super) fn ask(arguments: &PrPrometheusArguments) -> Self {
        let Some(access) = arguments.access() else { return Self::default() };
        let asked = with_progress("asking Prometheus", || look(&Client::new(&access)?, &arguments.job));
        match asked {
            Ok(fleet) => {
                let problem = (!fleet.warnings.is_empty()).then(|| fleet.warnings.join("; "));
                Self { hosts: Some(fleet.hosts), problem }
            }
            Err(error) => Self { hosts: None, problem: Some(error.to_string()) },
        }
    }

    /// For people: why hosts are not named, or not all of them, where somebody asked for their names.
    pub(super) fn missing_words(&self) -> String {
        let what = if self.hosts.is_some() { "more may be concerned" } else { "which ones is not known" };
        self.problem.as_ref().map(|problem| format!("\n{what}: {problem}")).unwrap_or_default()
    }

    /// The hosts that track this branch.
    pub(super) fn tracking(&self, branch: &str) -> Option<Tracking> {
        let mut found = Tracking::default();
        for host in self.hosts.as_ref()? {
            match host.branch.as_deref() {
                Some(of_host) if of_host == branch => found.tracking.push(host.name.clone()),
                Some(_) => {}
                None => found.unknown.push(host.name.clone()),
            }
        }
        Some(found)
    }

    /// The hosts that have a commit. `has` tells whether a commit holds what the one that is looked for brought.
    pub(super) fn carrying(&self, branch: &str, has: impl Fn(&Revision) -> Option<bool>) -> Option<Carrying> {
        let mut found = Carrying::default();
        for host in self.hosts.as_ref()? {
            let has = |revision: &Option<Revision>| revision.as_ref().and_then(&has);
            let group = match (has(&host.revision), has(&host.local_revision)) {
                (Some(true), _) => &mut found.running,
                (_, Some(true)) => &mut found.pulled,
                // What another branch has is not asked of the graph of this one.
                _ if host.branch.as_deref().is_some_and(|of_host| of_host != branch) => continue,
                (Some(false), Some(false)) => &mut found.without,
                _ => &mut found.unknown,
            };
            group.push(host.name.clone());
        }
        Some(found)
    }
}

impl Tracking {
    /// For people.
    pub(super) fn words(&self, branch: &str) -> String {
        let told = match self.tracking.len() {
            0 => format!("Prometheus knows no host that tracks a branch {branch}"),
            1 => format!(
                "1 host tracks {branch}: {} (Git and Lock turn yellow until it has pulled)",
                names(&self.tracking)
            ),
            count => {
                format!(
                    "{count} hosts track {branch}: {} (Git and Lock turn yellow until each has pulled)",
                    names(&self.tracking)
                )
            }
        };
        let unknown = match self.unknown.len() {
            0 => String::new(),
            _ => format!("; not known of {}", names(&self.unknown)),
        };
        format!("{told}{unknown}; by the branch's name, which is all that Prometheus has of it")
    }
}

impl Carrying {
    /// For people.
    pub(super) fn words(&self, commit: &Revision) -> String {
        let groups = [
            ("run it", &self.running),
            ("have pulled it and do not run it", &self.pulled),
            ("are without it", &self.without),
            ("not known here, for they are down or this machine lacks their commits", &self.unknown),
        ];
        let told: Vec<String> = groups
            .iter()
            .filter(|(_, hosts)| !hosts.is_empty())
            .map(|(what, hosts)| format!("{what}: {}", names(hosts)))
            .collect();
        if told.is_empty() {
            return format!("Prometheus knows no host that could have {}", commit.short());
        }
        format!("hosts and {}, by Prometheus: {}", commit.short(), told.join("; "))
    }
}

fn names(hosts: &[String]) -> String {
    let shown = hosts.iter().take(SHOWN_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match hosts.len().saturating_sub(SHOWN_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(digit: char) -> Revision {
        digit.to_string().repeat(40).parse().unwrap()
    }

    /// `name branch running local`, a digit for each commit, `-` for what is not known.
    fn host(text: &str) -> FleetHost {
        let parts: Vec<&str> = text.split(' ').collect();
        let commit = |text: &str| text.parse().ok().filter(|digit| *digit != '-').map(revision);
        FleetHost {
            branch: Some(parts[1].to_owned()).filter(|branch| branch != "-"),
            revision: commit(parts[2]),
            local_revision: commit(parts[3]),
            ..FleetHost::unknown(parts[0])
        }
    }

    fn fleet(hosts: &[&str]) -> Fleet {
        Fleet { hosts: Some(hosts.iter().map(|text| host(text)).collect()), problem: None }
    }

    #[test]
    fn who_turns_yellow() {
        let fleet = fleet(&["web1 main 1 1", "web2 stable 1 1", "web3 - - -", "web4 main 1 1"]);
        let found = fleet.tracking("main").unwrap();
        assert_eq!((found.tracking.join(" "), found.unknown.join(" ")), ("web1 web4".to_owned(), "web3".to_owned()));
        let words = found.words("main");
        assert!(words.starts_with("2 hosts track main: web1, web4 (Git and Lock turn yellow"), "{words}");
        assert!(words.contains("; not known of web3; "), "{words}");
        let none = fleet.tracking("next").unwrap().words("next");
        assert!(none.starts_with("Prometheus knows no host that tracks a branch next"), "{none}");
        assert_eq!(Fleet::default().tracking("main"), None);
    }

    #[test]
    fn who_has_the_commit() {
        // 1 is before the commit, 2 is it, 3 comes after it; nothing is known of 9.
        let has = |of_host: &Revision| match of_host.as_str().chars().next() {
            Some('1') => Some(false),
            Some('2' | '3') => Some(true),
            _ => None,
        };
        for (text, expected) in [
            ("a main 2 2", "running"),
            ("a main 3 3", "running"),
            ("a main 2 1", "running"),
            ("a stable 2 2", "running"),
            ("a main 1 2", "pulled"),
            ("a main - 3", "pulled"),
            ("a main 9 2", "pulled"),
            ("a main 1 1", "without"),
            ("a main - 1", "unknown"),
            ("a main 9 9", "unknown"),
            ("a - - -", "unknown"),
            ("a stable 9 9", "none"),
            ("a stable 1 1", "none"),
        ] {
            let Carrying { running, pulled, without, unknown } = fleet(&[text]).carrying("main", has).unwrap();
            let groups = [("running", running), ("pulled", pulled), ("without", without), ("unknown", unknown)];
            let found = groups.iter().find(|(_, hosts)| !hosts.is_empty()).map_or("none", |(name, _)| *name);
            assert_eq!(found, expected, "{text}");
        }
        let words = fleet(&["a main 2 2", "b main 1 2", "c main 9 9"]).carrying("main", has).unwrap();
        let words = words.words(&revision('2'));
        assert!(
            words.starts_with(
                "hosts and 2222222, by Prometheus: run it: a; have pulled it and do not run it: b; not known"
            ),
            "{words}"
        );
        assert!(Carrying::default().words(&revision('2')).contains("no host that could have 2222222"));
    }

    #[test]
    fn a_thousand_names_are_cut() {
        let hosts: Vec<String> = (0..1000).map(|number| format!("web{number}")).collect();
        assert!(names(&hosts).ends_with("web19 and 980 more"), "{}", names(&hosts));
    }
}

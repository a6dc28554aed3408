//! What is going to be done, and with whom not.

use std::fmt::Write as _;

use super::need::{Movement, Need, need};
use super::result::{Became, HostResult};
use super::roll::Planned;
use super::waves::{LabelOrder, WaveSizes, waves};
use crate::arguments::FleetSwitchArguments;
use crate::fleet::known::KnownHost;
use crate::printable::printable;

/// How fast.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    /// All of them, as many at once as may be.
    AtOnce,
    /// Wave after wave.
    Waves { sizes: WaveSizes, order: Option<LabelOrder>, max_failures: usize },
}

impl Pace {
    pub(crate) fn of(arguments: &FleetSwitchArguments) -> Self {
        Self::Waves {
            sizes: arguments.wave_size.clone(),
            order: arguments.order.clone(),
            max_failures: arguments.max_failures,
        }
    }

    pub(super) const fn max_failures(&self) -> usize {
        match self {
            Self::AtOnce => usize::MAX,
            Self::Waves { max_failures, .. } => *max_failures,
        }
    }
}

/// What is going to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) waves: Vec<Vec<Planned>>,
    /// The hosts with which nothing is done, and why.
    pub(crate) others: Vec<HostResult>,
}

/// A host, and why it cannot be asked where it cannot.
pub(crate) type Asked = (KnownHost, Result<(), String>);

/// The plan for hosts whose states are as they say themselves. Hosts go by name, or by the order of a label and then by name.
pub(crate) fn plan(movement: Movement, mut hosts: Vec<Asked>, pace: &Pace) -> Plan {
    hosts.sort_by(|(one, _), (other, _)| one.host.name.cmp(&other.host.name));
    let mut others = Vec::new();
    let mut planned = Vec::new();
    for (known, asked) in hosts {
        let name = known.host.name.clone();
        let mut other =
            |result, detail: String| others.push(HostResult { name: name.clone(), wave: None, result, detail });
        let destination = match (asked, known.destination) {
            (Ok(()), Ok(destination)) => destination,
            (Err(sentence), _) => {
                other(Became::Skipped, sentence);
                continue;
            }
            (_, Err(error)) => {
                other(Became::Skipped, error.to_string());
                continue;
            }
        };
        match need(movement, known.host.states) {
            Need::Nothing(why) => other(Became::Current, why.to_owned()),
            Need::Steps(steps) => {
                let group = match pace {
                    Pace::Waves { order: Some(order), .. } => order.group(&known.host.labels),
                    _ => 0,
                };
                planned.push((group, Planned { name, destination, steps }));
            }
        }
    }
    planned.sort_by_key(|(group, _)| *group);
    let waves = match pace {
        Pace::Waves { sizes, .. } => waves(planned, sizes),
        Pace::AtOnce if planned.is_empty() => Vec::new(),
        Pace::AtOnce => vec![planned.into_iter().map(|(_, host)| host).collect()],
    };
    Plan { waves, others }
}

impl Plan {
    pub(crate) fn hosts(&self) -> usize {
        self.waves.iter().map(Vec::len).sum()
    }

    /// The plan for people.
    pub(crate) fn text(&self, movement: Movement) -> String {
        let mut text = format!("{}: {}\n", movement.name(), self.headline());
        for (place, wave) in self.waves.iter().enumerate() {
            for host in wave {
                let steps: Vec<_> = host.steps.iter().map(|step| step.name()).collect();
                let name = printable(&host.name);
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  wave {}  {name}  {}  ({})", place + 1, steps.join(", "), host.destination);
            }
        }
        for of in &self.others {
            let _ = writeln!(text, "  {}  {}  {}", of.result.words(), printable(&of.name), printable(&of.detail));
        }
        text
    }

    /// Whether not one of the hosts could be reached or asked.
    pub(crate) fn reaches_none(&self) -> bool {
        self.waves.is_empty() && !self.others.is_empty() && self.others.iter().all(|of| of.result == Became::Skipped)
    }

    /// `3 hosts in 2 waves`.
    pub(crate) fn headline(&self) -> String {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        match self.waves.len() {
            0 if self.reaches_none() => "no host could be reached or asked".to_owned(),
            0 => "nothing to do".to_owned(),
            1 => counted(self.hosts(), "host"),
            waves => format!("{} in {}", counted(self.hosts(), "host"), counted(waves, "wave")),
        }
    }
}

#[cfg(test)]
mod tests {
    use nixfleet_core::model::State;

    use super::*;
    use crate::fleet::host::FleetHost;

    fn asked(name: &str, stage: &str, system: State, tests: State) -> Asked {
        let mut host = FleetHost::unknown(name);
        host.labels.insert("stage".to_owned(), stage.to_owned());
        host.states.system = system;
        host.states.tests = tests;
        (KnownHost { host, destination: Ok(name.parse().unwrap()) }, Ok(()))
    }

    #[test]
    fn who_is_moved_when_and_who_is_not() {
        let mut offline = asked("gone", "canary", State::Outdated, State::Ok);
        offline.1 = Err("cannot connect to gone".to_owned());
        let hosts = vec![
            asked("web3", "production", State::Outdated, State::Ok),
            asked("web2", "production", State::Outdated, State::Ok),
            asked("web1", "canary", State::Ok, State::Error),
            asked("web0", "canary", State::Ok, State::Ok),
            asked("lab", "", State::Outdated, State::Ok),
            offline,
        ];
        let pace = Pace::Waves {
            sizes: "2".parse().unwrap(),
            order: Some("stage=canary,production".parse().unwrap()),
            max_failures: 0,
        };
        assert_eq!(
            plan(Movement::Switch, hosts.clone(), &pace).text(Movement::Switch),
            "switch: 4 hosts in 3 waves\n  \
               wave 1  web1  test  (web1)\n  \
               wave 2  web2  switch, test  (web2)\n  \
               wave 2  web3  switch, test  (web3)\n  \
               wave 3  lab  switch, test  (lab)\n  \
               skipped  gone  cannot connect to gone\n  \
               current  web0  it runs what it should, and its tests are green\n"
        );
        let pull = plan(Movement::Pull, hosts, &Pace::AtOnce);
        assert_eq!((pull.hosts(), pull.waves.len(), pull.headline().as_str()), (5, 1, "5 hosts"));
        assert_eq!(plan(Movement::Pull, Vec::new(), &Pace::AtOnce).headline(), "nothing to do");
    }
}

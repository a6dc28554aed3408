//! Which commit most hosts run, and which hosts do not.

use std::collections::BTreeMap;

use nixfleet_core::Revision;
use serde::Serialize;

use super::host::FleetHost;

/// The commit that most hosts run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Majority {
    pub(crate) revision: Revision,
    /// Hosts that run it.
    pub(crate) hosts: usize,
    /// Hosts of which it is known what they run.
    pub(crate) known: usize,
}

/// The commit that more hosts run than any other one; `None` where two are level, or nothing is known.
pub(crate) fn majority(hosts: &[FleetHost]) -> Option<Majority> {
    let mut counts: BTreeMap<&str, (usize, &Revision)> = BTreeMap::new();
    for revision in hosts.iter().filter_map(|host| host.revision.as_ref()) {
        counts.entry(revision.as_str()).or_insert((0, revision)).0 += 1;
    }
    let known = counts.values().map(|(count, _)| count).sum();
    let most = counts.values().map(|(count, _)| *count).max()?;
    let mut leading = counts.values().filter(|(count, _)| *count == most);
    match (leading.next(), leading.next()) {
        (Some((_, revision)), None) => Some(Majority { revision: (*revision).clone(), hosts: most, known }),
        _ => None,
    }
}

/// Marks the hosts that run another commit than most do.
pub(crate) fn mark(hosts: &mut [FleetHost]) -> Option<Majority> {
    let majority = majority(hosts);
    for host in hosts {
        host.is_off_majority = match (&majority, &host.revision) {
            (Some(majority), Some(revision)) => majority.revision != *revision,
            _ => false,
        };
    }
    majority
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fleet(digits: &[Option<u8>]) -> Vec<FleetHost> {
        let host = |(place, digit): (usize, &Option<u8>)| FleetHost {
            revision: digit.map(|digit| digit.to_string().repeat(40).parse().unwrap()),
            ..FleetHost::unknown(&place.to_string())
        };
        digits.iter().enumerate().map(host).collect()
    }

    #[test]
    fn most_hosts_decide() {
        for (digits, expected) in [
            (&[][..], None),
            (&[None], None),
            (&[Some(1)], Some((1, 1, 1))),
            (&[Some(1), Some(2)], None),
            (&[Some(1), Some(2), Some(2)], Some((2, 2, 3))),
            (&[Some(1), Some(2), Some(2), Some(1)], None),
            (&[Some(1), Some(2), Some(3), Some(3), None], Some((3, 2, 4))),
        ] {
            let found = majority(&fleet(digits));
            let found = found.map(|it| (it.revision.as_str()[..1].parse::<u8>().unwrap(), it.hosts, it.known));
            assert_eq!(found, expected, "{digits:?}");
        }
    }

    proptest! {
        #[test]
        fn marked_are_those_that_are_known_and_differ(digits in prop::collection::vec(prop::option::of(0_u8..4), 0..20)) {
            let mut hosts = fleet(&digits);
            let majority = mark(&mut hosts);
            let marked = hosts.iter().filter(|host| host.is_off_majority).count();
            prop_assert_eq!(marked, majority.map_or(0, |majority| majority.known - majority.hosts));
            prop_assert!(hosts.iter().all(|host| host.revision.is_some() || !host.is_off_majority));
        }
    }
}

//! Wave after wave. What is done with a host is somebody else's matter: here is only what is begun, and what is not.

use std::sync::Mutex;
use std::sync::PoisonError;

use nixfleet_core::observation::Operation;

use super::result::{Became, HostResult};
use crate::fleet::parallel;
use crate::ssh::SshDestination;

/// A host with what it needs.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) name: String,
    pub(crate) destination: SshDestination,
    pub(crate) steps: Vec<Operation>,
}

/// Moves hosts, and tells of it.
pub(crate) trait Act: Sync {
    /// Does with a host what it needs, to the end.
    fn act(&self, host: &Planned) -> (Became, String);

    /// A wave begins.
    fn wave_begins(&self, number: usize, hosts: &[Planned]);

    /// Nothing more may be begun.
    fn is_stopped(&self) -> bool;
}

/// How far it may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) at_once: usize,
    /// More failures than this end it after their wave.
    pub(crate) max_failures: usize,
    /// Failures of before.
    pub(crate) failures: usize,
}

/// Moves the hosts of each wave at once, and begins the next wave only while failures are within the limit. Each host is
/// in the results once.
pub(crate) fn roll(waves: &[Vec<Planned>], limits: Limits, act: &impl Act) -> Vec<HostResult> {
    let mut results = Vec::new();
    let mut failures = limits.failures;
    for (place, wave) in waves.iter().enumerate() {
        let number = place + 1;
        let is_over = || failures > limits.max_failures || act.is_stopped();
        let why_not = if failures > limits.max_failures { "too many failures before it" } else { "stopped before it" };
        if !is_over() {
            act.wave_begins(number, wave);
        }
        let done = Mutex::new(0);
        let acted = parallel::each(wave, limits.at_once, is_over, |host| {
            let acted = act.act(host);
            *done.lock().unwrap_or_else(PoisonError::into_inner) += usize::from(acted.0.is_failure());
            acted
        });
        failures += done.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (host, acted) in wave.iter().zip(acted) {
            let (result, detail) = acted.unwrap_or_else(|| (Became::NotBegun, why_not.to_owned()));
            results.push(HostResult { name: host.name.clone(), wave: Some(number), result, detail });
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    struct Scripted {
        fails: BTreeSet<String>,
        stop_at: Option<String>,
        acted: Mutex<Vec<String>>,
    }

    impl Act for Scripted {
        fn act(&self, host: &Planned) -> (Became, String) {
            self.acted.lock().unwrap().push(host.name.clone());
            let result = if self.fails.contains(&host.name) { Became::Failed } else { Became::Done };
            (result, String::new())
        }

        fn wave_begins(&self, _number: usize, _hosts: &[Planned]) {}

        fn is_stopped(&self) -> bool {
            let acted = self.acted.lock().unwrap();
            self.stop_at.as_ref().is_some_and(|name| acted.contains(name))
        }
    }

    fn fleet(sizes: &[usize]) -> Vec<Vec<Planned>> {
        let mut next = 0..;
        let mut host = || {
            let name = format!("h{}", next.next().unwrap());
            Planned { destination: name.parse().unwrap(), name, steps: Vec::new() }
        };
        sizes.iter().map(|size| (0..*size).map(|_| host()).collect()).collect()
    }

    fn rolled(sizes: &[usize], fails: &[&str], max_failures: usize, stop_at: Option<&str>) -> String {
        let fails = fails.iter().map(ToString::to_string).collect();
        let act = Scripted { fails, stop_at: stop_at.map(str::to_owned), acted: Mutex::default() };
        let limits = Limits { at_once: 1, max_failures, failures: 0 };
        let letter = |of: &HostResult| match of.result {
            Became::Done => 'd',
            Became::Failed => 'F',
            _ => '-',
        };
        roll(&fleet(sizes), limits, &act).iter().map(letter).collect()
    }

    #[test]
    fn stops_after_the_wave_with_one_failure_too_many() {
        assert_eq!(rolled(&[1, 2, 2], &[], 0, None), "ddddd");
        assert_eq!(rolled(&[1, 2, 2], &["h0"], 0, None), "F----");
        assert_eq!(rolled(&[1, 2, 2], &["h1"], 0, None), "dFd--", "the wave is brought to its end");
        assert_eq!(rolled(&[1, 2, 2], &["h1"], 1, None), "dFddd");
        assert_eq!(rolled(&[1, 2, 2], &["h0", "h1"], 1, None), "FFd--");
        assert_eq!(rolled(&[1, 2, 2], &[], 0, Some("h1")), "dd---", "Ctrl-C begins nothing more");
        let act = Scripted { fails: BTreeSet::new(), stop_at: None, acted: Mutex::default() };
        let limits = Limits { at_once: 1, max_failures: 0, failures: 1 };
        let results = roll(&fleet(&[1, 1]), limits, &act);
        assert!(results.iter().all(|of| of.result == Became::NotBegun), "failures of the pull count");
    }

    proptest! {
        #[test]
        fn nothing_begins_after_the_limit(
            sizes in prop::collection::vec(1_usize..5, 0..6),
            fails in prop::collection::btree_set(0_usize..20, 0..8),
            max_failures in 0_usize..4,
            at_once in 1_usize..5,
        ) {
            let waves = fleet(&sizes);
            let fails: BTreeSet<String> = fails.iter().map(|number| format!("h{number}")).collect();
            let act = Scripted { fails: fails.clone(), stop_at: None, acted: Mutex::default() };
            let results = roll(&waves, Limits { at_once, max_failures, failures: 0 }, &act);
            prop_assert_eq!(results.len(), sizes.iter().sum::<usize>());
            let mut failed_before = 0;
            for (number, wave) in waves.iter().enumerate() {
                let of: Vec<_> = results.iter().filter(|of| of.wave == Some(number + 1)).collect();
                let begun = failed_before <= max_failures;
                prop_assert!(of.iter().all(|of| (of.result != Became::NotBegun) == begun));
                failed_before += wave.iter().filter(|host| begun && fails.contains(&host.name)).count();
            }
            let acted = act.acted.into_inner().unwrap();
            prop_assert_eq!(acted.iter().collect::<BTreeSet<_>>().len(), acted.len(), "none twice");
        }
    }
}

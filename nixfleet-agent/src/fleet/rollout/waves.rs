//! In which order, and how many at once.

use std::collections::BTreeMap;
use std::str::FromStr;

/// `--wave-size 1,4,16`: how many hosts the first, second, … wave has; the last number counts for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaveSizes(Vec<usize>);

/// `--order stage=canary,production`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelOrder {
    key: String,
    values: Vec<String>,
}

/// Why an order or a size cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    /// Not numbers from 1.
    #[error("it is not a list of numbers from 1 on, such as 1,4,16")]
    Sizes,
    /// Not of the form key=value,value.
    #[error("it is not of the form LABEL=VALUE,VALUE")]
    Order,
}

impl FromStr for WaveSizes {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        let size = |text: &str| text.trim().parse().ok().filter(|size| *size > 0).ok_or(PaceError::Sizes);
        Ok(Self(text.split(',').map(size).collect::<Result<_, _>>()?))
    }
}

impl FromStr for LabelOrder {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        match text.split_once('=') {
            Some((key, values)) if !key.is_empty() && !values.is_empty() => {
                Ok(Self { key: key.to_owned(), values: values.split(',').map(str::to_owned).collect() })
            }
            _ => Err(PaceError::Order),
        }
    }
}

impl WaveSizes {
    /// Of the wave with this number, from 0 on.
    fn of(&self, wave: usize) -> usize {
        self.0.get(wave).or(self.0.last()).copied().unwrap_or(1)
    }
}

impl LabelOrder {
    /// The place of a host's value; hosts with another one come last.
    pub(crate) fn group(&self, labels: &BTreeMap<String, String>) -> usize {
        let value = labels.get(&self.key);
        self.values.iter().position(|it| Some(it) == value).unwrap_or(self.values.len())
    }
}

/// Cuts hosts that stand in their order into waves. Each comes with its group: hosts of two groups share no wave.
pub(crate) fn waves<T>(hosts: Vec<(usize, T)>, sizes: &WaveSizes) -> Vec<Vec<T>> {
    let mut waves: Vec<Vec<T>> = Vec::new();
    let mut last_group = None;
    for (group, host) in hosts {
        let size = sizes.of(waves.len().saturating_sub(1));
        match waves.last_mut() {
            Some(wave) if last_group == Some(group) && wave.len() < size => wave.push(host),
            _ => waves.push(vec![host]),
        }
        last_group = Some(group);
    }
    waves
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_and_groups() {
        for (groups, sizes, expected) in [
            (&[][..], "1", &[][..]),
            (&[0, 0, 0], "1", &[1, 1, 1]),
            (&[0, 0, 0, 0, 0], "1,2", &[1, 2, 2]),
            (&[0, 0, 0, 0, 0], "9", &[5]),
            (&[0, 1, 1, 1, 2], "2", &[1, 2, 1, 1]),
            (&[0, 1, 1, 1, 2], "1,3", &[1, 3, 1]),
        ] {
            let hosts = groups.iter().map(|group| (*group, ())).collect();
            let found: Vec<_> = waves(hosts, &sizes.parse().unwrap()).iter().map(Vec::len).collect();
            assert_eq!(found, expected, "{groups:?} {sizes}");
        }
        for text in ["", "0", "1,", "1,0", "a", "-1", "1;2"] {
            assert_eq!(text.parse::<WaveSizes>(), Err(PaceError::Sizes), "{text}");
        }
    }

    #[test]
    fn the_order_of_a_label() {
        let order: LabelOrder = "stage=canary,production".parse().unwrap();
        let group = |value: &str| order.group(&BTreeMap::from([("stage".to_owned(), value.to_owned())]));
        assert_eq!((group("canary"), group("production"), group("lab")), (0, 1, 2));
        assert_eq!(order.group(&BTreeMap::new()), 2);
        for text in ["", "stage", "=a", "stage="] {
            assert_eq!(text.parse::<LabelOrder>(), Err(PaceError::Order), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_host_once_in_order_and_no_wave_too_large(
            mut groups in prop::collection::vec(0_usize..4, 0..40),
            sizes in prop::collection::vec(1_usize..6, 1..4),
        ) {
            groups.sort_unstable();
            let hosts = groups.iter().copied().enumerate().map(|(place, group)| (group, (place, group))).collect();
            let sizes = WaveSizes(sizes);
            let cut = waves(hosts, &sizes);
            let places: Vec<usize> = cut.iter().flatten().map(|(place, _)| *place).collect();
            prop_assert_eq!(places, (0..groups.len()).collect::<Vec<_>>());
            for (number, wave) in cut.iter().enumerate() {
                prop_assert!(!wave.is_empty() && wave.len() <= sizes.of(number));
                prop_assert!(wave.iter().all(|(_, group)| *group == wave[0].1));
            }
        }
    }
}

//! Numbers on the command line, with words for people where something is none.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The longest time that any option takes.
pub(crate) const A_DAY_SECONDS: u64 = 86_400;

/// A whole number that is not negative.
pub(crate) fn whole_number<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "write a whole number")
}

/// A whole number within these bounds.
pub(crate) fn within<N>(bounds: RangeInclusive<N>) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static
where
    N: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number.ok_or_else(|| format!("write a whole number from {} to {}", bounds.start(), bounds.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_is_said() {
        assert_eq!(whole_number::<u64>("41"), Ok(41));
        for text in ["", "x", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(whole_number::<u64>(text), Err("write a whole number"), "{text}");
        }
        let seconds = within(1_u64..=60);
        assert_eq!((seconds("1"), seconds("60")), (Ok(1), Ok(60)));
        for text in ["0", "61", "5s"] {
            assert_eq!(seconds(text), Err("write a whole number from 1 to 60".to_owned()), "{text}");
        }
    }
}

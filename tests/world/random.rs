//! Random moments that can be had again.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The environment variable with the seed of an earlier run.
const SEED_VARIABLE: &str = "NIXFLEET_TEST_SEED";

/// `SplitMix64`, by Sebastiano Vigna: enough for moments, and the same everywhere.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// From the seed in the environment, else a new one. It is printed: a test that fails shows it.
    pub fn of(story: &str) -> Self {
        let given = std::env::var(SEED_VARIABLE).ok().map(|seed| seed.parse().expect("a seed is a number"));
        let now = || u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos());
        let seed = given.unwrap_or_else(now);
        println!("{story}: the moments of {SEED_VARIABLE}={seed}");
        Self(seed)
    }

    /// A number below this one.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % bound
    }

    /// Lines that no compression makes much shorter: eight bytes of noise in each.
    pub fn lines(&mut self, count: usize) -> String {
        let mut text = String::new();
        for _ in 0..count {
            writeln!(text, "{:016x}", self.below(u64::MAX)).unwrap();
        }
        text
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let position = self.below(choices.len() as u64);
        choices[usize::try_from(position).unwrap()]
    }

    /// Waits for a random moment in the `number`th of `parts` equal parts of this time, so that all of it is met; how long.
    pub fn wait_for_a_moment_of(&mut self, number: usize, parts: usize, time: Duration) -> Duration {
        let part = time / u32::try_from(parts).unwrap();
        let microseconds = u64::try_from(part.as_micros()).unwrap().max(1);
        let pause = part * u32::try_from(number).unwrap() + Duration::from_micros(self.below(microseconds));
        std::thread::sleep(pause);
        pause
    }
}

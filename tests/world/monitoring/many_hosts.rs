//! Many hosts, made of what the exporter of one said.

use std::fmt::Write as _;

/// The name of a host by its number.
pub fn name(number: usize) -> String {
    format!("host{number:04}")
}

/// What so many hosts like this one would say, for a scrape with `honor_labels`, `up` included.
/// The function may change a host's lines.
pub fn many_hosts(scrape: &str, hosts: usize, change: impl Fn(usize, &str) -> Option<String>) -> String {
    let mut text = String::new();
    for number in 0..hosts {
        let labels = labels(number);
        writeln!(text, "up{{{labels}}} 1").unwrap();
        for line in scrape.lines().filter(|line| line.starts_with("nixfleet_")) {
            let changed = change(number, line);
            let line = changed.as_deref().unwrap_or(line);
            let (series, value) = line.rsplit_once(' ').unwrap();
            match series.split_once('{') {
                Some((metric, own)) => writeln!(text, "{metric}{{{labels},{own} {value}").unwrap(),
                None => writeln!(text, "{series}{{{labels}}} {value}").unwrap(),
            }
        }
    }
    text
}

/// `job`, `instance` and `host` of one of them.
pub fn labels(number: usize) -> String {
    let name = name(number);
    format!("job=\"nixfleet\",instance=\"{name}:19931\",host=\"{name}\"")
}

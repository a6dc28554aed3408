//! The hosts file: one host a line, or JSON.
//!
//! ```text
//! # name  [destination for ssh]  [label=value …]
//! web1
//! web2    root@10.0.0.2:2222     stage=canary rack=a
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::printable::printable;
use crate::ssh::SshDestination;

/// A list of ten thousand hosts is far smaller.
const MAXIMUM_BYTES: u64 = 16 * 1024 * 1024;

/// A host of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedHost {
    /// The name that people use.
    pub(crate) name: String,
    /// How ssh reaches it; absent: as `--ssh` says.
    #[serde(default, deserialize_with = "destination")]
    pub(crate) ssh: Option<SshDestination>,
    /// What it is called.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// Why a hosts file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HostsFileError {
    /// It cannot be read.
    #[error("cannot read the hosts file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what a hosts file is.
    #[error("the hosts file {path} cannot be used: {problem}; docs/fleet.md has the format")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

fn destination<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SshDestination>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Reads the file.
pub(crate) fn read(path: &Path) -> Result<Vec<ListedHost>, HostsFileError> {
    let failed = |source| HostsFileError::Read { path: path.to_owned(), source };
    let wrong = |problem| HostsFileError::Content { path: path.to_owned(), problem };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.len() > MAXIMUM_BYTES {
        return Err(wrong(format!("it is larger than {MAXIMUM_BYTES} bytes")));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    parse(&text).map_err(wrong)
}

fn parse(text: &str) -> Result<Vec<ListedHost>, String> {
    let hosts: Vec<ListedHost> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| printable(&error.to_string()))?
    } else {
        let lines = text.lines().enumerate();
        let hosts = lines.filter_map(|(place, line)| {
            let line = line.split('#').next().unwrap_or_default();
            parse_line(line).map(|host| host.map_err(|problem| format!("line {}: {problem}", place + 1)))
        });
        hosts.collect::<Result<_, _>>()?
    };
    let mut names = BTreeSet::new();
    for host in &hosts {
        if host.name.is_empty() {
            return Err("a host has an empty name".to_owned());
        }
        if !names.insert(&host.name) {
            return Err(format!("{} is there twice", printable(&host.name)));
        }
    }
    if hosts.is_empty() {
        return Err("it names no host".to_owned());
    }
    Ok(hosts)
}

fn parse_line(line: &str) -> Option<Result<ListedHost, String>> {
    let mut words = line.split_whitespace();
    let mut host = ListedHost { name: words.next()?.to_owned(), ssh: None, labels: BTreeMap::new() };
    for word in words {
        if let Some((key, value)) = word.split_once('=') {
            host.labels.insert(key.to_owned(), value.to_owned());
        } else if host.ssh.is_none() {
            match word.parse() {
                Ok(destination) => host.ssh = Some(destination),
                Err(error) => return Some(Err(format!("{:?} is no destination for ssh: {error}", printable(word)))),
            }
        } else {
            return Some(Err(format!("{:?} is neither a label (KEY=VALUE) nor the only destination", printable(word))));
        }
    }
    Some(Ok(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_json_say_the_same() {
        let lines = "# the fleet\n\nweb1\nweb2 root@10.0.0.2:2222 stage=canary rack=a # slow\n";
        let json = r#"[ {"name": "web1"},
            {"name": "web2", "ssh": "root@10.0.0.2:2222", "labels": {"stage": "canary", "rack": "a"}} ]"#;
        let hosts = parse(lines).unwrap();
        assert_eq!(hosts, parse(json).unwrap());
        assert_eq!((hosts.len(), hosts[0].ssh.as_ref()), (2, None));
        assert_eq!(hosts[1].ssh.as_ref().unwrap().to_string(), "root@10.0.0.2:2222");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("", "names no host"),
            ("# nothing\n", "names no host"),
            ("[]", "names no host"),
            ("web1\nweb1", "web1 is there twice"),
            ("web1 a b", "line 1: \"b\" is neither"),
            ("web1\nweb2 -oProxyCommand", "line 2: \"-oProxyCommand\" is no destination"),
            (r#"[{"name": "web1""#, "EOF while parsing"),
            (r#"[{"name": "web1", "adress": "x"}]"#, "unknown field `adress`"),
            (r#"[{"name": "web1", "ssh": "a b"}]"#, "may not hold ' '"),
            (r#"[{"name": ""}]"#, "empty name"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(words) && !problem.contains('\n'), "{text}: {problem}");
        }
    }
}

//! Reading the configuration file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use super::{GithubConfig, HostConfig, RepositoryConfig};

/// A configuration is a few hundred bytes; what is larger is another file.
const MAXIMUM_BYTES: u64 = 1024 * 1024;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read the configuration {path}: {source}; set services.nixfleet.enable, or name another file with --config"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something else lies in its place.
    #[error("the configuration {path} is not a file: put one there, or name another one with --config")]
    NotAFile {
        /// What is in its place.
        path: PathBuf,
    },
    /// The file is larger than any configuration.
    #[error("the configuration {path} is larger than 1 MiB: this is another file, name the right one with --config")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The content is not a configuration.
    #[error("the configuration {path} is not valid: {}{}; correct it and start again", if key.is_empty() { String::new() } else { format!("{key}: ") }, in_words(source))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, such as `agent.policy.pull`; empty where it is about the whole.
        key: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A value that cannot work.
    #[error("the configuration {path} is not valid: {problem}; correct it and start again")]
    Impossible {
        /// The file.
        path: PathBuf,
        /// The key and what is wrong with its value.
        problem: String,
    },
}

/// Reads and checks a configuration.
pub fn read(path: &Path) -> Result<HostConfig, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    // Not by opening it: that would wait for the writer of a FIFO.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ConfigError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAXIMUM_BYTES {
        return Err(ConfigError::TooLarge { path: path.to_owned() });
    }
    let config = parse(&bytes).map_err(|(key, source)| ConfigError::Invalid { path: path.to_owned(), key, source })?;
    check(&config).map_err(|problem| ConfigError::Impossible { path: path.to_owned(), problem })?;
    Ok(config)
}

/// What serde says, with JSON's words for the types of this program.
fn in_words(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    for (of_rust, of_json) in [
        ("expected u64", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list"),
        ("expected path string", "expected a path"),
    ] {
        words = words.replace(of_rust, of_json);
    }
    // `struct HostConfig` and the like.
    match words.split_once("expected struct ") {
        Some((before, rest)) => {
            let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
            format!("{before}expected an object {rest}").trim_end().to_owned()
        }
        None => words,
    }
}

/// The error names the key, which the position alone does not.
fn parse(bytes: &[u8]) -> Result<HostConfig, (String, serde_json::Error)> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let config = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let key = match error.path().to_string().as_str() {
            // The whole, or a text that ends before a key does.
            "." | "?" => String::new(),
            key => key.strip_suffix(".?").unwrap_or(key).to_owned(),
        };
        (key, error.into_inner())
    })?;
    deserializer.end().map_err(|error| (String::new(), error))?;
    Ok(config)
}

fn check(config: &HostConfig) -> Result<(), String> {
    if config.host.as_deref().is_some_and(|host| host.is_empty() || host.contains(|c: char| c == '/' || c.is_control()))
    {
        return Err("host must be a name, without a slash".to_owned());
    }
    let directory = config.tests_directory();
    if !directory.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("tests.directory {} must lie inside the repository", directory.display()));
    }
    if config.tests.user.as_deref().is_some_and(|user| !is_name_of_a_user(user)) {
        return Err("tests.user must be the name of a user".to_owned());
    }
    check_repository(&config.repository)?;
    check_github(&config.github, config.repository.url.as_deref())?;
    for (key, value) in [
        ("agent.heartbeat_deadline_seconds", config.agent.heartbeat_deadline_seconds),
        ("agent.interval_seconds", config.agent.interval_seconds),
        ("confirm.timeout_seconds", config.confirm.timeout_seconds),
        ("github.interval_seconds", config.github.interval_seconds),
        ("tests.timeout_seconds", config.tests.timeout_seconds),
        ("remote.connect_timeout_seconds", config.remote.connect_timeout_seconds),
        ("remote.idle_timeout_seconds", config.remote.idle_timeout_seconds),
        ("remote.total_timeout_seconds", config.remote.total_timeout_seconds),
    ] {
        if value == 0 {
            return Err(format!("{key} must be at least 1"));
        }
    }
    let program =
        config.confirm.command.as_ref().map(|command| command.first().map(String::as_str).unwrap_or_default());
    if program == Some("") {
        return Err("confirm.command must begin with a program; leave it out to wait for the agent".to_owned());
    }
    Ok(())
}

/// Also none that a program would take for an option.
fn is_name_of_a_user(user: &str) -> bool {
    !user.is_empty() && !user.starts_with('-') && !user.contains(|c: char| c == '/' || c == ':' || c.is_control())
}

fn check_repository(repository: &RepositoryConfig) -> Result<(), String> {
    let signatures = &repository.signatures;
    if signatures.are_required()
        && signatures.allowed_signers_file.is_none()
        && signatures.openpgp_keyring_file.is_none()
    {
        return Err(
            "repository.signatures.forge_keyring_file alone lets nothing pass, for it counts for merges only: \
                    set allowed_signers_file or openpgp_keyring_file, too"
                .to_owned(),
        );
    }
    match repository.user.as_deref() {
        Some("root") => Err("repository.user must not be root: pull and build never run as root".to_owned()),
        Some(user) if !is_name_of_a_user(user) => Err("repository.user must be the name of a user".to_owned()),
        Some(user) if user != RepositoryConfig::OWN_USER && repository.path.is_none() => {
            Err("repository.user says whose checkout repository.path is: set repository.path, too".to_owned())
        }
        _ => Ok(()),
    }
}

/// An address that is not configured is that of the checkout: the look itself finds out.
fn check_github(github: &GithubConfig, remote_url: Option<&str>) -> Result<(), String> {
    if github.as_remote && !github.enable {
        return Err("github.as_remote has GitHub asked, which is off: set github.enable, too, or leave as_remote out \
                    to look with Git"
            .to_owned());
    }
    if github.as_remote
        && let Some(url) = remote_url
    {
        is_on_github(url, github.api_url.as_deref())
            .map_err(|error| format!("github.as_remote: {error}, or leave it out to look with Git"))?;
    }
    Ok(())
}

#[cfg(feature = "github")]
fn is_on_github(url: &str, api_url: Option<&str>) -> Result<(), crate::github::GithubError> {
    crate::github::GithubRepository::of_remote(url, api_url).map(|_| ())
}

/// Programs that never ask GitHub, such as the exporter, need not know its addresses.
#[cfg(not(feature = "github"))]
#[expect(clippy::unnecessary_wraps, reason = "as with the feature")]
const fn is_on_github(_url: &str, _api_url: Option<&str>) -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Automatic;

    fn reading(content: &[u8]) -> Result<HostConfig, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        std::fs::write(&path, content).unwrap();
        read(&path)
    }

    #[test]
    fn everything_has_a_default() {
        let config = reading(b"{}").unwrap();
        assert_eq!(config, HostConfig::default());
        assert_eq!(config.inference_settings(), crate::observation::InferenceSettings::default());
    }

    #[test]
    fn the_policy_is_off_or_on_or_a_window() {
        let content = br#"{"agent": {"policy": {"pull": "on", "switch": {"window": "Mon..Fri 02:00-05:00"}}}}"#;
        let policy = reading(content).unwrap().agent.policy;
        assert_eq!(policy.pull, Automatic::On);
        assert_eq!(policy.switch, Automatic::Window("Mon..Fri 02:00-05:00".parse().unwrap()));
        assert_eq!((policy.test_after_switch, policy.rollback_when_tests_fail), (true, false));
        assert_eq!(HostConfig::default().agent.policy.pull, Automatic::Off);
    }

    #[test]
    #[cfg(feature = "github")]
    fn who_looks_through_github_has_a_remote_there() {
        let of = |repository: &str, api: &str| {
            let content =
                format!(r#"{{"repository": {{{repository}}}, "github": {{"enable": true, "as_remote": true{api}}}}}"#);
            reading(content.as_bytes()).map(|config| config.github.as_remote).map_err(|error| error.to_string())
        };
        for (repository, api) in [
            (r#""url": "git@github.com:example/fleet.git""#, ""),
            (r#""url": "https://ghe.example.org/example/fleet""#, ""),
            (r#""url": "forge:example/fleet""#, r#", "api_url": "https://ghe.example.org/api/v3""#),
            // Of a checkout: only the look knows.
            (r#""path": "/srv/fleet""#, ""),
        ] {
            assert_eq!(of(repository, api), Ok(true), "{repository}");
        }
        for (repository, api, sentence) in [
            (r#""url": "https://gitlab.com/a/b""#, "", "https://gitlab.com/a/b is not a repository on GitHub"),
            (r#""url": "/srv/fleet.git""#, "", "none of GitHub's"),
            (r#""url": "https://u:secret@codeberg.org/a/b""#, "", "another service's"),
            (r#""url": "git@github.com:a/b""#, r#", "api_url": "http://example.org""#, "others could read the token"),
        ] {
            let error = of(repository, api).unwrap_err();
            let has = |part: &str| error.contains(part);
            assert!(has("github.as_remote: ") && has(sentence) && has("leave it out") && !has("secret"), "{error}");
        }
        let off = reading(br#"{"repository": {"url": "/srv/fleet.git"}, "github": {"enable": true}}"#);
        assert!(!off.unwrap().github.as_remote, "nobody looks there");
    }

    #[test]
    fn the_tests_lie_below_the_hosts_name() {
        let config = reading(br#"{"host": "web1"}"#).unwrap();
        assert_eq!(config.tests_directory(), Path::new("hosts/web1/tests"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (content, sentence) in [
            (&b""[..], "is not valid: EOF"),
            (b"{", "is not valid: EOF"),
            (br#"{"agent": {"#, "is not valid: agent: EOF"),
            (br#"{"hots": "web1"}"#, "unknown field `hots`"),
            (b"{} {}", "is not valid: trailing characters"),
            (br#"{"host": 1}"#, "expected a string at line 1"),
            (br#"{"host": "a/b"}"#, "host must be a name"),
            (br#"{"tests": {"directory": "/etc"}}"#, "must lie inside the repository"),
            (br#"{"tests": {"directory": "a/../../b"}}"#, "must lie inside the repository"),
            (br#"{"tests": {"user": ""}}"#, "tests.user must be the name of a user"),
            (br#"{"tests": {"user": "--help"}}"#, "tests.user must be the name of a user"),
            (br#"{"tests": {"user": "a/b"}}"#, "tests.user must be the name of a user"),
            (br#"{"remote": {"total_timeout_seconds": 0}}"#, "must be at least 1"),
            (br#"{"agent": {"interval_seconds": 0}}"#, "agent.interval_seconds must be at least 1"),
            (br#"{"repository": {"signatures": {"forge_keyring_file": "/k"}}}"#, "alone lets nothing pass"),
            (br#"{"repository": {"path": "/home/root", "user": "root"}}"#, "must not be root"),
            (br#"{"repository": {"path": "/srv", "user": "a:b"}}"#, "must be the name of a user"),
            (br#"{"repository": {"user": "alice"}}"#, "set repository.path, too"),
            (
                br#"{"github": {"as_remote": true}}"#,
                "github.as_remote has GitHub asked, which is off: set github.enable",
            ),
            (br#"{"github": {"as_remote": "yes"}}"#, "github.as_remote: invalid type"),
            (br#"{"confirm": {"timeout_seconds": 0}}"#, "confirm.timeout_seconds must be at least 1"),
            (br#"{"confirm": {"command": []}}"#, "confirm.command must begin with a program"),
            (br#"{"confirm": {"command": ["", "x"]}}"#, "confirm.command must begin with a program"),
            (
                br#"{"confirm": {"command": "ping"}}"#,
                "confirm.command: invalid type: string \"ping\", expected a list at line",
            ),
            (
                br#"{"agent": {"interval_seconds": "5m"}}"#,
                "agent.interval_seconds: invalid type: string \"5m\", expected a whole number at line",
            ),
            (br#"{"agent": {"interval_seconds": -1}}"#, "integer `-1`, expected a whole number at line"),
            (br#"{"confirm": {"enable": "yes"}}"#, "expected true or false at line"),
            (br#"{"confirm": "yes"}"#, "invalid type: string \"yes\", expected an object at line"),
            (br#""yes""#, "invalid type: string \"yes\", expected an object at line"),
            (br#"{"agent": {"policy": {"pull": "yes"}}}"#, "agent.policy.pull: unknown variant `yes`"),
            (br#"{"agent": {"policy": {"pul": "on"}}}"#, "unknown field `pul`"),
            (br#"{"agent": {"policy": {"switch": {"window": "Mon 2-5"}}}}"#, "write it like \"Mon..Fri 02:00-05:00\""),
            (b"\xff\xfe", "expected value"),
        ] {
            let error = reading(content).unwrap_err().to_string();
            assert!(error.contains(sentence), "{error}");
        }
        let huge = vec![b' '; 2 * 1024 * 1024];
        assert!(reading(&huge).unwrap_err().to_string().contains("larger than 1 MiB"));
        let directory = tempfile::tempdir().unwrap();
        assert!(read(directory.path()).unwrap_err().to_string().contains("is not a file"));
        let absent = read(Path::new("/nonexistent/config.json")).unwrap_err().to_string();
        assert!(absent.contains("/nonexistent/config.json") && absent.contains("--config"), "{absent}");
    }
}

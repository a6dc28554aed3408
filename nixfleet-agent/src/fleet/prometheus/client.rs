//! Asks one Prometheus.
//!
//! TLS is that of the remote and of GitHub: the system's certificates count, unless others are named.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nixfleet_core::tls::{certificate_problem, trusting, trusting_the_system};
use ureq::Agent;
use ureq::tls::{PemItem, parse_pem};

use super::PrometheusError;
use super::answer::{NoVector, Vector, parse};
use crate::printable::printable;

/// The states of ten thousand hosts are a tenth of it.
const MAXIMUM_BODY_BYTES: u64 = 256 * 1024 * 1024;

/// How Prometheus is reached.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) url: String,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) username: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) timeout: Duration,
    /// How the options that name all this begin, for the sentences that tell of them.
    pub(crate) option_prefix: &'static str,
}

/// Asks one Prometheus.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    /// Without a slash at its end.
    url: String,
    /// For people: without a password.
    shown_url: String,
    authorization: Option<Secret>,
    option_prefix: &'static str,
}

struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Client {
    pub(crate) fn new(access: &Access) -> Result<Self, PrometheusError> {
        let url = access.url.trim_end_matches('/').to_owned();
        let shown_url = without_credentials(&url);
        let wrong = |said: &str| PrometheusError::Address { url: shown_url.clone(), said: said.to_owned() };
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(wrong("it does not begin with http:// or https://"));
        }
        if url.contains(['?', '#']) || url.contains(|it: char| it.is_control() || it.is_whitespace()) {
            return Err(wrong("it holds characters that an address does not have"));
        }
        let authorization = match (&access.token_file, &access.username, &access.password_file) {
            (Some(file), _, _) => Some(Secret(format!("Bearer {}", secret(file)?))),
            (None, Some(user), Some(file)) => {
                Some(Secret(format!("Basic {}", STANDARD.encode(format!("{user}:{}", secret(file)?)))))
            }
            _ => None,
        };
        let tls = match &access.ca_file {
            Some(file) => trusting(certificates(file)?),
            None => match trusting_the_system() {
                Ok(tls) => tls,
                Err(_) if url.starts_with("http://") => trusting(Vec::new()),
                Err(error) => {
                    let said = format!("{error}; name those of its server with {}ca-file", access.option_prefix);
                    return Err(PrometheusError::Unreachable { url: shown_url, said });
                }
            },
        };
        let config = Agent::config_builder()
            .timeout_global(Some(access.timeout))
            .http_status_as_error(false)
            .user_agent(concat!("nixfleet/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls);
        let option_prefix = access.option_prefix;
        Ok(Self { agent: config.build().into(), url, shown_url, authorization, option_prefix })
    }

    /// The address, for people.
    pub(crate) fn address(&self) -> &str {
        &self.shown_url
    }

    /// The vector that this expression has now.
    pub(super) fn query(&self, expression: &str) -> Result<Vector, PrometheusError> {
        let url = || self.shown_url.clone();
        let mut request = self.agent.get(format!("{}/api/v1/query", self.url)).query("query", expression);
        if let Some(Secret(authorization)) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut response = request.call().map_err(|error| self.failed(&error))?;
        let code = response.status().as_u16();
        if matches!(code, 401 | 403) {
            return Err(PrometheusError::NotAllowed { url: url(), code, option_prefix: self.option_prefix });
        }
        let body = response.body_mut().with_config().limit(MAXIMUM_BODY_BYTES).read_to_string();
        let body = body.map_err(|error| PrometheusError::Answer { url: url(), said: printable(&error.to_string()) })?;
        parse(&body).map_err(|problem| match problem {
            NoVector::Refused(said) => PrometheusError::Refused { url: url(), said: printable(&said) },
            NoVector::Foreign(_) if code >= 300 => PrometheusError::Answer { url: url(), said: format!("HTTP {code}") },
            NoVector::Foreign(said) => PrometheusError::Answer { url: url(), said: printable(&said) },
        })
    }

    fn failed(&self, error: &ureq::Error) -> PrometheusError {
        if let Some(problem) = certificate_problem(error) {
            let said = format!("its certificate is not accepted: {problem}");
            return PrometheusError::Unreachable { url: self.shown_url.clone(), said };
        }
        let said = match error {
            ureq::Error::HostNotFound => "there is no host of that name".to_owned(),
            ureq::Error::BadUri(said) => {
                return PrometheusError::Address { url: self.shown_url.clone(), said: printable(said) };
            }
            ureq::Error::Timeout(_) => format!("it takes too long (see {}timeout)", self.option_prefix),
            other => printable(&other.to_string()),
        };
        PrometheusError::Unreachable { url: self.shown_url.clone(), said }
    }
}

fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            match authority.rfind('@') {
                Some(at) => printable(&format!("{scheme}://{}", &rest[at + 1..])),
                None => printable(url),
            }
        }
        None => printable(url),
    }
}

fn secret(path: &Path) -> Result<String, PrometheusError> {
    let failed = |said: String| PrometheusError::File { path: path.to_owned(), said };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() || text.contains(char::is_control) {
        return Err(failed("it has to hold the secret on one line, and nothing else".to_owned()));
    }
    Ok(text.to_owned())
}

fn certificates(path: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>, PrometheusError> {
    let failed = |said: String| PrometheusError::File { path: path.to_owned(), said };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| failed(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(failed("it holds no certificate in PEM".to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, expected) in [
            ("http://p:9090", "http://p:9090"),
            ("https://me:geheim@p/prometheus", "https://p/prometheus"),
            ("https://me:ge@heim@p", "https://p"),
            ("https://p/a@b", "https://p/a@b"),
            ("p:9090", "p:9090"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "geheim\n").unwrap();
        let access = Access {
            url: "http://p".to_owned(),
            token_file: Some(file),
            username: None,
            password_file: None,
            ca_file: None,
            timeout: Duration::from_secs(1),
            option_prefix: "--",
        };
        let client = Client::new(&access).unwrap();
        assert_eq!(client.authorization.as_ref().unwrap().0, "Bearer geheim");
        assert!(!format!("{:?}", client.authorization).contains("geheim"));
    }
}

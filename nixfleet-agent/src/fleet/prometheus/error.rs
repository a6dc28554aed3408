//! Why Prometheus does not tell.

/// Why Prometheus does not tell; shown to people as it is. The address is told without a password.
#[derive(Debug, thiserror::Error)]
pub enum PrometheusError {
    /// The address cannot be used.
    #[error("{url} is no address of a Prometheus: {said}; write it as http://host:9090")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        said: String,
    },
    /// A file with a secret or a certificate cannot be used.
    #[error("cannot use {path}: {said}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        said: String,
    },
    /// It cannot be reached.
    #[error("cannot reach Prometheus at {url}: {said}; is it up?")]
    Unreachable {
        /// The address.
        url: String,
        /// What the network said.
        said: String,
    },
    /// It does not let in.
    #[error(
        "Prometheus at {url} does not let in (HTTP {code}): check {option_prefix}token-file, or {option_prefix}username \
         and {option_prefix}password-file"
    )]
    NotAllowed {
        /// The address.
        url: String,
        /// The HTTP status.
        code: u16,
        /// How the options begin that name the credentials.
        option_prefix: &'static str,
    },
    /// It refuses the query.
    #[error("Prometheus at {url} does not answer the query: {said}")]
    Refused {
        /// The address.
        url: String,
        /// What it said.
        said: String,
    },
    /// What answers is no Prometheus, or the answer is cut off.
    #[error("cannot read what {url} answers: {said}; is it a Prometheus, and not a proxy or a login page?")]
    Answer {
        /// The address.
        url: String,
        /// What is wrong with it.
        said: String,
    },
    /// It knows no host.
    #[error("Prometheus at {url} has no target in the job {job:?}: does it scrape nixfleet-exporter? See --job")]
    NoHosts {
        /// The address.
        url: String,
        /// The job.
        job: String,
    },
}

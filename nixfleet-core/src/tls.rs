//! TLS of the connections that nixfleet makes: rustls, and the certificates that this machine trusts.

use std::path::Path;
use std::sync::Arc;

use rustls::CertificateError;
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::one_line::one_line;

/// A file, or directories, as OpenSSL reads them.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A file, as Nix sets it for the programs that it builds.
const NIX_VARIABLE: &str = "NIX_SSL_CERT_FILE";

/// No certificate is trusted on this machine, so that none of a server can be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no trusted certificates are found on this machine{detail}")]
pub struct NoCertificates {
    /// What went wrong with reading them, in brackets; empty where there are just none.
    detail: String,
}

/// How to speak TLS with servers whose certificates are signed by one of these.
#[must_use]
pub fn trusting(roots: Vec<Certificate<'static>>) -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build()
}

/// The same with the certificates of the system: those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else those in the file
/// that `NIX_SSL_CERT_FILE` names, else those where the distribution has them.
pub fn trusting_the_system() -> Result<TlsConfig, NoCertificates> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let found = match std::env::var_os(NIX_VARIABLE) {
        Some(path) if !path.is_empty() && !VARIABLES.into_iter().any(is_set) => {
            load_certs_from_paths(Some(Path::new(&path)), None)
        }
        _ => load_native_certs(),
    };
    usable(&found).map(trusting)
}

/// Why the server's certificate is not accepted, for people; none where the request failed for another reason.
#[must_use]
pub fn certificate_problem(error: &ureq::Error) -> Option<String> {
    let Some(rustls::Error::InvalidCertificate(problem)) = rustls_error(error) else { return None };
    Some(match problem {
        CertificateError::UnknownIssuer => "who signed it is not trusted here".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        // What `openssl req -x509` makes unless it is told otherwise; rustls tells it in the text only.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "it is that of an authority, CA:TRUE: the server needs one with CA:FALSE".to_owned()
        }
        other => one_line(&other.to_string(), 200),
    })
}

/// What rustls said, where it did.
pub(crate) fn rustls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// Some that cannot be read are no reason not to use the others.
fn usable(found: &CertificateResult) -> Result<Vec<Certificate<'static>>, NoCertificates> {
    if found.certs.is_empty() {
        let detail = found.errors.first().map(|error| format!(" ({})", one_line(&error.to_string(), 200)));
        return Err(NoCertificates { detail: detail.unwrap_or_default() });
    }
    Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_there_are_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("none.pem");
        let error = usable(&load_certs_from_paths(Some(&file), None)).unwrap_err().to_string();
        assert!(error.contains("none.pem"), "{error}");
        std::fs::write(&file, "").unwrap();
        let error = usable(&load_certs_from_paths(Some(&file), None)).unwrap_err().to_string();
        assert_eq!(error, "no trusted certificates are found on this machine");
    }
}

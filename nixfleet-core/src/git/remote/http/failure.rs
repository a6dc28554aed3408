//! What a failure of the HTTP client means for a person.

use std::io::ErrorKind;

use ureq::{Error, Timeout};

use super::super::RemoteError;
use crate::one_line::one_line;
use crate::tls::{certificate_problem, rustls_error};

/// The failure, by what a person does about it. `proxy` is the host and port of the proxy, where there is one.
pub(super) fn explain(url: &str, error: &Error, proxy: Option<&str>) -> RemoteError {
    let url = url.to_owned();
    let through = proxy.map(|proxy| format!(", through the proxy {proxy}")).unwrap_or_default();
    let network = |detail: String| RemoteError::Network { url: url.clone(), detail };
    let said = one_line(&error.to_string(), 200);
    if let Some(detail) = certificate_problem(error) {
        return RemoteError::Certificate { url, detail };
    }
    if let Some(error) = rustls_error(error) {
        let said = one_line(&error.to_string(), 200);
        return network(format!("{said}; check that the server speaks TLS (1.2 or 1.3) at this port"));
    }
    match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            RemoteError::Timeout { url, detail: format!("took too long to connect{through}") }
        }
        Error::Timeout(_) => {
            RemoteError::Timeout { url, detail: "sent nothing in the time that was allowed".to_owned() }
        }
        Error::Io(error) => of_connection(url, error, &through),
        Error::HostNotFound => network(format!("the name has no address{through}; check the name and the DNS")),
        Error::ConnectProxyFailed(said) => {
            let said = one_line(said, 200);
            network(format!("the proxy does not connect{through} ({said}); check https_proxy and no_proxy"))
        }
        Error::LargeResponseHeader(..) => {
            RemoteError::Protocol { url, detail: "the head of its answer does not end".to_owned() }
        }
        Error::Protocol(error) => {
            let detail = format!("its answer is no http: {}", one_line(&error.to_string(), 200));
            RemoteError::Protocol { url, detail }
        }
        Error::Http(_) | Error::BodyStalled => RemoteError::Protocol { url, detail: said },
        _ => network(format!("{said}{through}; check host, port and firewall")),
    }
}

fn of_connection(url: String, error: &std::io::Error, through: &str) -> RemoteError {
    let said = one_line(&error.to_string(), 200);
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            RemoteError::Timeout { url, detail: "sent nothing in the time that was allowed".to_owned() }
        }
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable
        | ErrorKind::PermissionDenied => RemoteError::Network {
            url,
            detail: format!("failed to connect{through} ({said}); check host, port and firewall"),
        },
        // The standard library tells it in the text only.
        _ if said.contains("lookup address") => {
            RemoteError::Network { url, detail: format!("{said}{through}; check the name and the DNS") }
        }
        _ => RemoteError::Network { url, detail: format!("the connection broke off ({said}); try again later") },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::CertificateError;

    use super::*;

    #[test]
    fn by_what_a_person_does() {
        let rustls = |error: rustls::Error| Error::Io(io::Error::new(ErrorKind::InvalidData, error));
        let certificate = |problem| rustls(rustls::Error::InvalidCertificate(problem));
        for (error, expected) in [
            (Error::Timeout(Timeout::PerRead), "u sent nothing in the time that was allowed: try again later"),
            (Error::Timeout(Timeout::Connect), "u took too long to connect, through the proxy p:1: try again"),
            (Error::HostNotFound, "check the name and the DNS"),
            (Error::Io(io::Error::other("failed to lookup address information")), "check the name and the DNS"),
            (
                Error::Io(ErrorKind::ConnectionRefused.into()),
                "cannot reach u: failed to connect, through the proxy p:1 (",
            ),
            (Error::Io(ErrorKind::UnexpectedEof.into()), "the connection broke off ("),
            (Error::Io(ErrorKind::ConnectionReset.into()), "the connection broke off ("),
            (Error::ConnectProxyFailed("407".to_owned()), "the proxy does not connect, through the proxy p:1 (407)"),
            (
                Error::LargeResponseHeader(2, 1),
                "does not answer as a Git server should (the head of its answer does not end)",
            ),
            (certificate(CertificateError::UnknownIssuer), "is not accepted (who signed it is not trusted here)"),
            (certificate(CertificateError::Expired), "it has expired"),
            (certificate(CertificateError::NotValidForName), "it is for another name"),
            (rustls(rustls::Error::HandshakeNotComplete), "speaks TLS"),
        ] {
            let said = explain("u", &error, Some("p:1")).to_string();
            assert!(said.contains(expected), "{error:?}: {said}");
        }
    }
}

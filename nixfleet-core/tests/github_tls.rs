//! GitHub over TLS: certificates are checked against those that this machine trusts.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

mod github_asking;

use std::process::Command;

use github_asking::{block_on, client_of, limits};
use world::git_server::http::{Behaviour, HttpServer};
use world::git_server::repository::TestRepository;
use world::git_server::tls::TlsServer;

/// The address that the inner process asks, with the certificates that it was given.
const INNER: &str = "NIXFLEET_TEST_INNER";

#[test]
fn certificates_are_checked() {
    if let Ok(url) = std::env::var(INNER) {
        let revision = "3".repeat(40).parse().unwrap();
        let asked = block_on(async { client_of(&url, None, limits()).flake_lock(&revision).await });
        println!("said: {}", asked.map_or_else(|error| error.to_string(), |_| "an answer".to_owned()));
        return;
    }
    let repository = TestRepository::new();
    let server = HttpServer::start(repository.root(), Behaviour { page: Some("a lock"), ..Behaviour::default() });
    let port = server.port();
    let tls = TlsServer::start(port);
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("trusted.pem");
    std::fs::write(&trusted, &tls.certificate_pem).unwrap();
    let other = TlsServer::start(port).certificate_pem.clone();
    let untrusted = directory.path().join("untrusted.pem");
    std::fs::write(&untrusted, other).unwrap();
    let url = tls.url("localhost").replace("/repository/.git", "");
    let said = |url: &str, certificates| {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "certificates_are_checked", "--nocapture"]).env_remove("SSL_CERT_DIR");
        let output = again.env(INNER, url).env("SSL_CERT_FILE", certificates).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let seen = said(&url, &trusted);
    assert!(seen.contains("said: an answer"), "{seen}");
    for (url, certificates) in [(&url.replace("localhost", "127.0.0.1"), &trusted), (&url, &untrusted)] {
        let seen = said(url, certificates);
        assert!(seen.contains("cannot reach GitHub") && seen.contains("certificate"), "{seen}");
    }
}

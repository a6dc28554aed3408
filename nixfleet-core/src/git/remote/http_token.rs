//! The token for https: offered once, to the configured server only, and only where nobody else can read it.

use std::sync::Mutex;

use git2::{Cred, CredentialType, ErrorClass, ErrorCode};

use super::address::HttpAddress;
use super::ssh_process::lock;

/// What one connection may offer, and what came of it.
pub(super) struct TokenOffer {
    address: HttpAddress,
    username_and_token: Option<(String, String)>,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    offered: bool,
    problem: Option<&'static str>,
}

impl TokenOffer {
    /// The configured token goes before what the address holds.
    pub(super) fn new(address: HttpAddress, configured: Option<(String, String)>) -> Self {
        let username_and_token = configured.or_else(|| address.username_and_password.clone());
        Self { address, username_and_token, outcome: Mutex::default() }
    }

    /// Answers a server that asks who we are.
    pub(super) fn answer(&self, asking: &str, allowed: CredentialType) -> Result<Cred, git2::Error> {
        let mut outcome = lock(&self.outcome);
        let problem = match &self.username_and_token {
            _ if !self.address.is_same_server(asking) => {
                "it redirects to another server that asks for credentials, which are for the configured one only: \
                 configure the address of the other server"
            }
            None => "it asks for credentials: check the address, or configure a token that may read the repository",
            Some(_) if !self.address.is_confidential() => {
                "it asks for credentials over http, where others could read them: configure an https address"
            }
            Some(_) if outcome.offered => {
                "it does not accept the token: check that the token is valid, not expired, and may read the repository"
            }
            Some(_) if !allowed.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                "it asks for a kind of credential other than a token: configure an ssh address"
            }
            Some((username, token)) => {
                outcome.offered = true;
                return Cred::userpass_plaintext(username, token);
            }
        };
        outcome.problem = Some(problem);
        Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Http, problem))
    }

    /// Why no credential was given, where one was asked for.
    pub(super) fn problem(&self) -> Option<&'static str> {
        lock(&self.outcome).problem
    }
}

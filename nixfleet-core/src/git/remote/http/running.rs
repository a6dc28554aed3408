//! The HTTP client of an observation, shared with the one who may have to end it.

use std::sync::{Arc, Mutex};

use ureq::Agent;

use super::super::ssh_process::lock;
use super::super::{RemoteError, Timeouts};
use crate::tls::trusting_the_system;

/// Some servers give a repository only to what calls itself git.
const USER_AGENT: &str = concat!("git/2.0 (nixfleet ", env!("CARGO_PKG_VERSION"), ")");

/// The client, and with it the connections, of one observation.
#[derive(Clone, Default)]
pub(in super::super) struct RunningHttp(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    client: Option<Client>,
    is_forbidden: bool,
}

struct Client {
    agent: Agent,
    speaks_tls: bool,
}

impl RunningHttp {
    /// Breaks off whatever it does, and lets nothing new begin.
    pub(in super::super) fn stop(&self) {
        let client = {
            let mut running = lock(&self.0);
            running.is_forbidden = true;
            running.client.take()
        };
        if let Some(client) = client {
            client.agent.shutdown();
        }
    }

    /// The client; it is made when it is first needed, and the certificates are read where TLS is.
    pub(super) fn client(&self, speaks_tls: bool, timeouts: Timeouts, url: &str) -> Result<Agent, RemoteError> {
        let mut running = lock(&self.0);
        if running.is_forbidden {
            return Err(RemoteError::Timeout { url: url.to_owned(), detail: "took too long".to_owned() });
        }
        if let Some(client) = running.client.as_ref().filter(|client| client.speaks_tls || !speaks_tls) {
            return Ok(client.agent.clone());
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(USER_AGENT)
            .timeout_connect(Some(timeouts.connect))
            .timeout_per_read(Some(timeouts.idle))
            .timeout_per_write(Some(timeouts.idle));
        if speaks_tls {
            let tls = trusting_the_system();
            let tls =
                tls.map_err(|error| RemoteError::Certificate { url: url.to_owned(), detail: error.to_string() })?;
            config = config.tls_config(tls);
        }
        let agent = Agent::new_with_config(config.build());
        running.client = Some(Client { agent: agent.clone(), speaks_tls });
        Ok(agent)
    }
}

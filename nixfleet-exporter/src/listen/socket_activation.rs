//! Sockets that systemd passes (`sd_listen_fds(3)`).

use std::fmt;

use listenfd::ListenFd;

use super::ListenError;
use crate::server::Listener;

/// The sockets that systemd passed to this program, until they are taken.
pub struct PassedSockets(ListenFd);

impl PassedSockets {
    /// Those that the environment names. Call it once, before the program has other threads.
    #[must_use]
    pub fn from_environment() -> Self {
        Self(ListenFd::from_env())
    }

    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self(ListenFd::empty())
    }

    /// Whether systemd passed none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn take(&mut self) -> Result<Vec<Listener>, ListenError> {
        let mut listeners = Vec::new();
        for number in 0..self.0.len() {
            let unusable = |cause| ListenError::UnusablePassed { number, cause };
            if let Ok(Some(socket)) = self.0.take_tcp_listener(number) {
                socket.set_nonblocking(true).map_err(unusable)?;
                listeners.push(Listener::Tcp(tokio::net::TcpListener::from_std(socket).map_err(unusable)?));
            } else if let Some(socket) = self.0.take_unix_listener(number).map_err(unusable)? {
                socket.set_nonblocking(true).map_err(unusable)?;
                listeners.push(Listener::Unix(tokio::net::UnixListener::from_std(socket).map_err(unusable)?));
            }
        }
        Ok(listeners)
    }
}

impl fmt::Debug for PassedSockets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PassedSockets").field(&self.0.len()).finish()
    }
}

//! Makes libgit2 know the transports of this module.

use std::sync::OnceLock;

use super::{http, ssh_transport};

/// Registers them, the first time only. It is to be called before any connection.
pub(super) fn register() -> Result<(), git2::Error> {
    static REGISTERED: OnceLock<Result<(), String>> = OnceLock::new();
    REGISTERED
        .get_or_init(|| {
            #[allow(unsafe_code, reason = "libgit2 keeps its list of transports unguarded")]
            // SAFETY: it runs once, guarded by the OnceLock, and before any connection that this module makes.
            let outcome = unsafe {
                git2::transport::register(ssh_transport::SCHEME, ssh_transport::transport)
                    .and_then(|()| git2::transport::register(http::SCHEME, http::transport))
            };
            outcome.map_err(|error| error.message().to_owned())
        })
        .as_ref()
        .copied()
        .map_err(|message| git2::Error::from_str(message))
}

//! The observer that the arguments ask for.

use std::sync::Arc;

use crate::Observe;
use crate::arguments::Arguments;

/// Why there is nothing to observe.
#[derive(Debug, thiserror::Error)]
pub enum ObserverError {
    /// This build has no observer for real hosts.
    #[error("cannot observe {subject}: this build of nixfleet-exporter cannot read a host yet, use a newer one")]
    NotBuiltIn {
        /// What was to be observed.
        subject: String,
    },
}

/// The observer of the host, or of the one repository, that the arguments name.
pub fn observer(arguments: &Arguments) -> Result<Arc<dyn Observe>, ObserverError> {
    let subject = match &arguments.repository.path {
        Some(path) => format!("the repository {}", path.display()),
        None => format!("the host configured in {}", arguments.host.config.display()),
    };
    Err(ObserverError::NotBuiltIn { subject })
}

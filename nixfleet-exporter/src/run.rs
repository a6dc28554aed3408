//! The program's life: open the sockets, serve, stop when told to.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::arguments::WebArguments;
use crate::collect::Collection;
use crate::listen::{ListenError, Listeners, PassedSockets};
use crate::{Observe, server, service_manager};

/// Why the program ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is nothing to listen on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The system refused what every program needs.
    #[error("cannot start: {0}; check this service's limits of files, tasks and memory")]
    Start(#[source] io::Error),
}

/// Serves what `observer` sees until SIGTERM or SIGINT; running requests then end first.
pub fn run(web: &WebArguments, observer: Arc<dyn Observe>, passed: PassedSockets) -> Result<(), RunError> {
    // One thread serves; a collection, which may block, has another of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Start)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Start)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Start)?;
        let listeners = Listeners::open(&web.listen_address, web.unix_socket_mode, passed)?;
        let collection = Arc::new(Collection::new(observer, web.collect_timeout));
        let status = format!("listening on {}", listeners.names.join(", "));
        let (stop, stopped) = watch::channel(false);
        let served = tokio::spawn(server::serve(listeners.sockets, collection, stopped));
        tracing::info!("{status}");
        service_manager::ready(&status);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = service_manager::keep_watchdog_quiet() => {}
        }
        tracing::info!("stopping");
        service_manager::stopping();
        stop.send_replace(true);
        // The socket's file goes first: who comes now finds nobody, instead of a queue that is never served.
        drop(listeners.files);
        if let Err(error) = served.await {
            tracing::error!("the server ended unexpectedly: {error}; please report this");
        }
        Ok(())
    })
}

//! Connections: accepted within a bound, never open without end, and ended in peace when the program stops.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::collect::Collection;
use crate::http;

/// Connections at the same time, of which each listener takes one while it waits for a client. More clients wait in the
/// listener's queue until a connection ends.
pub const CONNECTIONS: u32 = 64;

/// A client has this long to send a request's head; so long, too, an idle connection stays open.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection is closed after this long: one that never reads its answers must not stay for ever.
pub const CONNECTION_LIFETIME: Duration = Duration::from_mins(10);

/// Requests that run when the program stops have this long to end.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The head of a request with all its headers has at most this size.
const HEAD_BYTES: usize = 16 * 1024;

/// A socket that accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// Of the Internet.
    Tcp(TcpListener),
    /// Of this machine.
    Unix(UnixListener),
}

/// Serves `collection` on all `listeners` until `stop` turns true or its sender is gone; then lets running requests end.
pub async fn serve(listeners: Vec<Listener>, collection: Arc<Collection>, stop: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let (collection, connections) = (Arc::clone(&collection), Arc::clone(&connections));
            tokio::spawn(accept(listener, collection, connections, stop.clone()))
        })
        .collect();
    for listener in accepting {
        if let Err(error) = listener.await {
            tracing::error!("a listener ended unexpectedly: {error}; please report this");
        }
    }
    // Whoever holds all places knows that no connection is left.
    if timeout(STOP_TIMEOUT, connections.acquire_many(CONNECTIONS)).await.is_err() {
        tracing::warn!("some connections did not end within {STOP_TIMEOUT:?} and are cut off");
    }
}

async fn accept(
    listener: Listener,
    collection: Arc<Collection>,
    connections: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
) {
    let mut stopped = stop.clone();
    let mut stopped = pin!(stopped.wait_for(|stop| *stop));
    loop {
        let place = tokio::select! {
            _ = &mut stopped => return,
            place = Arc::clone(&connections).acquire_owned() => place,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            _ = &mut stopped => return,
            accepted = accept_one(&listener, &collection, &stop, place) => accepted,
        };
        if let Err(error) = accepted {
            // Mostly a lack of file descriptors: it passes as connections end, and must not keep a processor busy.
            tracing::warn!("cannot accept a connection: {error}");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn accept_one(
    listener: &Listener,
    collection: &Arc<Collection>,
    stop: &watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) -> std::io::Result<()> {
    let collection = Arc::clone(collection);
    match listener {
        Listener::Tcp(listener) => {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(connection(stream, collection, stop.clone(), place));
        }
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(connection(stream, collection, stop.clone(), place));
        }
    }
    Ok(())
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    collection: Arc<Collection>,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let service = service_fn(|request| http::answer(&collection, request));
    let mut builder = http1::Builder::new();
    // Half-closed: `printf 'GET /metrics …' | nc -N` wants its answer.
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES).half_close(true);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => Some(result),
        _ = stop.wait_for(|stop| *stop) => None,
        () = sleep(CONNECTION_LIFETIME) => None,
    };
    let result = if let Some(result) = result {
        result
    } else {
        connection.as_mut().graceful_shutdown();
        timeout(STOP_TIMEOUT, connection).await.unwrap_or(Ok(()))
    };
    if let Err(error) = result {
        tracing::debug!("a connection ended: {error}");
    }
}

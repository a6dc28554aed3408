//! A listener that is no server at all.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Accepts connections and never answers, or drips one byte every 100 ms, until it is dropped.
pub struct SilentServer {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SilentServer {
    /// Drips these bytes and then starts anew with the second half of them; says nothing where there are none.
    pub fn start(drip: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut connections: Vec<(TcpStream, usize)> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                connections.extend(listener.accept().map(|(stream, _)| (stream, 0)));
                connections.retain_mut(|(stream, position)| {
                    let Some(byte) = drip.get(*position) else { return true };
                    *position = if *position + 1 < drip.len() { *position + 1 } else { drip.len() / 2 };
                    stream.write_all(&[*byte]).is_ok()
                });
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for SilentServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

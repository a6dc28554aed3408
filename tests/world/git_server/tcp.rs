//! A listener that is no server at all.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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

/// A port of the loopback interface that nobody listens on, and that nobody is given who asks the kernel for any port:
/// those are from 32768 (`net.ipv4.ip_local_port_range`). Each call of one test program gives another.
pub fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

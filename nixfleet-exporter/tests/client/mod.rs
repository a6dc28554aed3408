//! A server in this process, and a client that speaks HTTP/1.1 byte by byte.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nixfleet_exporter::Observe;
use nixfleet_exporter::collect::Collection;
use nixfleet_exporter::listen::{Address, Listeners, PassedSockets};
use nixfleet_exporter::server::{Listener, serve};
use tokio::sync::watch;

/// A running server. Stops when dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    pub fn start(observer: Arc<dyn Observe>, limit: Duration) -> Self {
        Self::start_on(&["127.0.0.1:0".parse().unwrap()], observer, limit)
    }

    pub fn start_on(addresses: &[Address], observer: Arc<dyn Observe>, limit: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (send_address, address) = std::sync::mpsc::channel();
        let addresses = addresses.to_vec();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listeners = Listeners::open(&addresses, 0o600, PassedSockets::none()).unwrap();
                let tcp = listeners.sockets.iter().find_map(|listener| match listener {
                    Listener::Tcp(socket) => Some(socket.local_addr().unwrap()),
                    Listener::Unix(_) => None,
                });
                send_address.send(tcp.unwrap_or_else(|| "127.0.0.1:0".parse().unwrap())).unwrap();
                serve(listeners.sockets, Arc::new(Collection::new(observer, limit)), stopped).await;
            });
        });
        Self { address: address.recv().unwrap(), stop, thread: Some(thread) }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        stream
    }

    /// The answer to this request, read to the connection's end.
    pub fn answer(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.answer(&get(path))
    }

    pub fn tell_to_stop(&self) {
        self.stop.send_replace(true);
    }

    pub fn wait(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn read(stream: &mut impl std::io::Read) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The answer to a request over a unix socket.
pub fn get_unix(path: &std::path::Path, request: &str) -> Answer {
    let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    Answer::read(&mut stream)
}

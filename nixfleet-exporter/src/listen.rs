//! Where the exporter listens: addresses, unix sockets, and sockets that systemd passes.

mod address;
mod socket_activation;
mod unix_socket;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

pub use address::{Address, InvalidAddress};
pub use socket_activation::PassedSockets;
pub use unix_socket::UnixSocketFile;

use crate::server::Listener;

/// The port where nothing else is asked for. The range of well-known exporters, 9100 to 9999, is full; this one is above
/// it, below the ports that Linux gives to outgoing connections, and assigned to no other service.
pub const DEFAULT_PORT: u16 = 19931;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program listens there.
    #[error("cannot listen on {address}: another program does already; stop it or choose another --web.listen-address")]
    InUse {
        /// Where.
        address: Address,
    },
    /// Ports below 1024, or a directory that may not be written.
    #[error(
        "cannot listen on {address}: permission denied; choose a port from 1024 on, or a directory that this user may write to"
    )]
    Denied {
        /// Where.
        address: Address,
    },
    /// The file at the socket's place is something else.
    #[error("cannot listen on unix:{path}: there is a file that is no socket; remove it or choose another path", path = path.display())]
    NotASocket {
        /// Where.
        path: PathBuf,
    },
    /// systemd passed none.
    #[error(
        "cannot listen on sockets of systemd: it passed none; start the exporter through its .socket unit or name an address"
    )]
    NonePassed,
    /// systemd passed something else, such as a datagram socket.
    #[error("cannot listen on socket {number} that systemd passed: {cause}; its .socket unit needs ListenStream=")]
    UnusablePassed {
        /// Which, from 0.
        number: usize,
        /// What is wrong with it.
        #[source]
        cause: io::Error,
    },
    /// Anything else.
    #[error("cannot listen on {address}: {cause}; check the address")]
    Other {
        /// Where.
        address: Address,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

impl ListenError {
    fn new(address: &Address, cause: io::Error) -> Self {
        let address = address.clone();
        match cause.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::PermissionDenied => Self::Denied { address },
            _ => Self::Other { address, cause },
        }
    }
}

/// Open sockets, and the files of the unix ones.
#[derive(Debug, Default)]
pub struct Listeners {
    /// The sockets.
    pub sockets: Vec<Listener>,
    /// The names under which they are reached, for people.
    pub names: Vec<String>,
    /// Removed when dropped.
    pub files: Vec<UnixSocketFile>,
}

impl Listeners {
    /// Opens all `addresses`. Where there are none: the sockets that systemd passed, else [`DEFAULT_PORT`] on all addresses.
    /// Must be called within a Tokio runtime.
    pub fn open(addresses: &[Address], unix_socket_mode: u32, mut passed: PassedSockets) -> Result<Self, ListenError> {
        let default = [if passed.is_empty() { Address::AllInterfaces(DEFAULT_PORT) } else { Address::Systemd }];
        let addresses = if addresses.is_empty() { &default } else { addresses };
        let mut listeners = Self::default();
        for address in addresses {
            match address {
                Address::Systemd => {
                    if passed.is_empty() {
                        return Err(ListenError::NonePassed);
                    }
                    listeners.sockets.extend(passed.take()?);
                    listeners.names.push("sockets of systemd".to_owned());
                }
                Address::Unix(path) => {
                    let (socket, file) = unix_socket::open(path, unix_socket_mode)?;
                    listeners.add(address, Listener::Unix(socket));
                    listeners.files.push(file);
                }
                Address::Tcp(one) => {
                    let socket = TcpListener::bind(one).and_then(asynchronous);
                    listeners.add(address, Listener::Tcp(socket.map_err(|cause| ListenError::new(address, cause))?));
                }
                Address::AllInterfaces(port) => {
                    let socket = all_interfaces(*port).and_then(asynchronous);
                    listeners.add(address, Listener::Tcp(socket.map_err(|cause| ListenError::new(address, cause))?));
                }
            }
        }
        Ok(listeners)
    }

    fn add(&mut self, address: &Address, socket: Listener) {
        // Port 0 becomes a real one only now.
        let name = match &socket {
            Listener::Tcp(socket) => socket.local_addr().map(|address| address.to_string()),
            Listener::Unix(_) => Ok(address.to_string()),
        };
        self.names.push(name.unwrap_or_else(|_| address.to_string()));
        self.sockets.push(socket);
    }
}

/// IPv6 and IPv4 at once, or IPv4 alone on a machine without IPv6.
fn all_interfaces(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        _ => TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
    })
}

fn asynchronous(socket: TcpListener) -> io::Result<tokio::net::TcpListener> {
    socket.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(socket)
}

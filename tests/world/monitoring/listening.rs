//! Where a server of the Prometheus project listens that was told to take any port.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

/// Waits until the program's log, at this path, tells the address; the port.
///
/// A port that a test chose beforehand may be taken by another test in between.
pub fn port(program: &mut Child, log: &Path) -> u16 {
    let started = Instant::now();
    loop {
        let said = std::fs::read_to_string(log).unwrap();
        if let Some(port) = said.lines().find_map(told) {
            return port;
        }
        if let Some(status) = program.try_wait().unwrap() {
            panic!("it ended with {status}: {said}");
        }
        assert!(started.elapsed() < Duration::from_mins(3), "it does not listen: {said}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn told(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("msg=\"Listening on\" ")?;
    let (_, address) = rest.split_once("address=")?;
    address.split_whitespace().next()?.parse::<SocketAddr>().ok().map(|address| address.port())
}

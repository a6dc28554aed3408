//! The server over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod client;
mod hosts;
mod text_format;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use client::{Answer, Server, get, get_unix};
use hosts::Fixed;
use nixfleet_core::observation::{Observation, Reading};
use nixfleet_exporter::Observe;
use nixfleet_exporter::listen::{Address, ListenError, Listeners, PassedSockets};
use nixfleet_exporter::server::{CONNECTIONS, HEAD_TIMEOUT};
use text_format::{of, read};
use world::scenario::Host;
use world::skipped::skipped;

/// Reached only by what hangs.
const LIMIT: Duration = Duration::from_mins(1);

fn full() -> Server {
    Server::start(Arc::new(Fixed(hosts::full())), LIMIT)
}

/// Counts observations, and takes its time for each.
struct Slow {
    calls: AtomicUsize,
    takes: Duration,
}

impl Slow {
    fn new(takes: Duration) -> Arc<Self> {
        Arc::new(Self { calls: AtomicUsize::new(0), takes })
    }
}

impl Observe for Slow {
    fn observe(&self) -> Observation {
        self.calls.fetch_add(1, Ordering::SeqCst);
        thread::sleep(self.takes);
        Host::base().0
    }
}

/// Hangs until it is let go.
#[derive(Default)]
struct Hanging {
    calls: AtomicUsize,
    is_free: Mutex<bool>,
    freed: Condvar,
}

impl Hanging {
    fn let_go(&self) {
        *self.is_free.lock().unwrap() = true;
        self.freed.notify_all();
    }
}

impl Observe for Hanging {
    fn observe(&self) -> Observation {
        self.calls.fetch_add(1, Ordering::SeqCst);
        drop(self.freed.wait_while(self.is_free.lock().unwrap(), |is_free| !*is_free).unwrap());
        Host::base().0
    }
}

struct Panicking(AtomicUsize);

impl Observe for Panicking {
    fn observe(&self) -> Observation {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "a defect");
        Host::base().0
    }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_mins(2), "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn error_of_the_whole(answer: &Answer) -> String {
    let series = read(&answer.body);
    let errors = of(&series, "nixfleet_exporter_collect_errors");
    errors.into_iter().find(|error| error.label("source") == "observation").unwrap().value.clone()
}

#[test]
fn routes() {
    let server = full();
    for (request, status) in [
        ("GET /metrics", 200),
        ("GET /metrics?collect[]=x", 200),
        ("HEAD /metrics", 200),
        ("GET /", 200),
        ("HEAD /", 200),
        ("GET /-/healthy", 200),
        ("POST /metrics", 405),
        ("DELETE /", 405),
        ("OPTIONS /metrics", 405),
        ("GET /metrics/", 404),
        ("GET /../etc/passwd", 404),
        ("GET /%2e%2e", 404),
        ("POST /nowhere", 404),
    ] {
        let answer =
            server.answer(&format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{request}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{request}");
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{request}");
        assert_eq!(answer.header("allow"), (status == 405).then_some("get, head"), "{request}");
        assert_eq!(answer.body.is_empty(), request.starts_with("HEAD"), "{request}");
    }
}

#[test]
fn head_has_the_length_of_get() {
    let server = full();
    let head = server.answer("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let got = server.get("/metrics");
    assert_eq!(head.header("content-length"), got.header("content-length"));
    assert_eq!(head.header("content-type"), got.header("content-type"));
    assert_eq!(got.header("content-length"), Some(got.body.len().to_string().as_str()));
}

#[test]
fn formats() {
    let server = full();
    let ask =
        |accept: &str| server.answer(&format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{accept}Connection: close\r\n\r\n"));
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, expected) in [
        ("", text),
        ("Accept: \r\n", text),
        ("Accept: \u{fffd}\r\n", text),
        ("Accept: image/png\r\n", text),
        ("Accept: text/plain;q=0.1\r\nAccept: application/openmetrics-text;version=1.0.0;q=0.2\r\n", openmetrics),
    ] {
        let answer = ask(accept);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(expected)), "{accept:?}");
        assert_eq!(answer.body.ends_with("# EOF\n"), expected == openmetrics, "{accept:?}");
    }
    assert_eq!(ask(&format!("Accept: {}\r\n", ",;q=".repeat(2000))).status, 200, "8 kB of nonsense");
    assert_eq!(ask(&format!("Accept: {}\r\n", "x".repeat(100_000))).status, 431, "a head without end");
}

#[test]
fn the_page_is_escaped_and_has_the_table_of_five() {
    let mut host = Host::base().pull_request_opened().0;
    host.host = "<b>\"web&1'".into();
    host.repository = Reading::Unreadable("<script>alert(1)</script>".into());
    let page = Server::start(Arc::new(Fixed(host)), LIMIT).get("/").body;
    for part in [
        "nixfleet: &lt;b&gt;&quot;web&amp;1&#39;",
        "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>",
        "<td class=\"state green\">ok (green)</td>",
        "<td class=\"state gray\">unknown (gray)</td>",
        "<td class=\"state yellow\">outdated (yellow)</td>",
        "<td>merge PR 7</td>",
        "<a href=\"metrics\">",
        "prefers-color-scheme:dark",
    ] {
        assert!(page.contains(part), "{part} is missing:\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("src="), "{page}");
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 5);
}

#[test]
fn scrapes_that_come_together_share_observations() {
    let observer = Slow::new(Duration::from_millis(800));
    let server = Server::start(observer.clone(), LIMIT);
    // All have asked before the first one is answered.
    let mut scrapes: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for scrape in &mut scrapes {
        scrape.write_all(get("/metrics").as_bytes()).unwrap();
    }
    for scrape in &mut scrapes {
        let answer = Answer::read(scrape);
        assert_eq!((answer.status, error_of_the_whole(&answer).as_str()), (200, "0"));
    }
    let calls = observer.calls.load(Ordering::SeqCst);
    assert!(calls <= 5, "{calls} observations for 50 scrapes at once");
}

#[test]
fn every_scrape_sees_what_is_true_by_then() {
    let observer = Slow::new(Duration::ZERO);
    let server = Server::start(observer.clone(), LIMIT);
    for _ in 0..10 {
        server.get("/metrics");
    }
    assert_eq!(observer.calls.load(Ordering::SeqCst), 10, "no result is kept");
    server.get("/-/healthy");
    assert_eq!(observer.calls.load(Ordering::SeqCst), 10, "being healthy takes no observation");
}

#[test]
fn a_source_that_hangs() {
    let observer = Arc::new(Hanging::default());
    let server = Server::start(observer.clone(), Duration::from_secs(1));
    for _ in 0..3 {
        let started = Instant::now();
        let answer = server.get("/metrics");
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
        assert_eq!((answer.status, error_of_the_whole(&answer).as_str()), (200, "1"));
        assert_eq!(of(&read(&answer.body), "nixfleet_compartment_state").len(), 25);
        assert_eq!(of(&read(&answer.body), "nixfleet_build_info").len(), 1);
    }
    let page = server.get("/").body;
    assert!(page.contains("reading this host took longer than 1 s"), "{page}");
    assert_eq!(observer.calls.load(Ordering::SeqCst), 1, "the hung thread is not multiplied");
    observer.let_go();
    until("it answers again", || error_of_the_whole(&server.get("/metrics")) == "0");
    // On a machine under load the second may take too long as well.
    assert!(observer.calls.load(Ordering::SeqCst) >= 2, "what came too late is not shown");
}

#[test]
fn a_scrape_that_joined_a_hung_collection_gets_a_fresh_one() {
    let observer = Arc::new(Hanging::default());
    let server = Server::start(observer.clone(), Duration::from_secs(10));
    assert_eq!(error_of_the_whole(&server.get("/metrics")), "1");
    thread::scope(|scope| {
        let joined = scope.spawn(|| server.get("/metrics"));
        thread::sleep(Duration::from_millis(300));
        observer.let_go();
        assert_eq!(error_of_the_whole(&joined.join().unwrap()), "0");
    });
    assert_eq!(observer.calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_source_that_panics() {
    let server = Server::start(Arc::new(Panicking(AtomicUsize::new(0))), LIMIT);
    let answer = server.get("/metrics");
    assert_eq!((answer.status, error_of_the_whole(&answer).as_str()), (200, "1"));
    assert_eq!(of(&read(&answer.body), "nixfleet_compartment_state").len(), 25);
    assert_eq!(error_of_the_whole(&server.get("/metrics")), "0", "it recovers");
}

#[test]
fn clients_that_are_slow_or_gone() {
    let server = full();
    let mut slow = server.connect();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").unwrap();
    for _ in 0..20 {
        let mut gone = server.connect();
        gone.write_all(get("/metrics").as_bytes()).unwrap();
        drop(gone);
    }
    assert_eq!(server.get("/metrics").status, 200, "others are served");
    let started = Instant::now();
    let mut rest = Vec::new();
    // A reset is as good as an end.
    let _ = slow.read_to_end(&mut rest);
    assert!(started.elapsed() < 4 * HEAD_TIMEOUT, "{:?}", started.elapsed());
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn more_connections_than_there_are_places_wait_their_turn() {
    let server = full();
    let idle: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    let started = Instant::now();
    assert_eq!(server.get("/-/healthy").status, 200);
    assert!(started.elapsed() < 4 * HEAD_TIMEOUT, "idle connections make room");
    drop(idle);
}

#[test]
fn a_request_that_runs_ends_before_the_server_does() {
    // Where idle connections hold up the end, they do so each time; a machine under load does not.
    let took = (0..3).map(|_| stop_amid_a_request()).find(|took| *took < HEAD_TIMEOUT / 2);
    assert!(took.is_some(), "idle connections hold up the end");
}

/// A request runs when the server is told to stop, and a connection is idle. How long the end took.
fn stop_amid_a_request() -> Duration {
    let observer = Arc::new(Hanging::default());
    let server = Server::start(observer.clone(), LIMIT);
    let idle = server.connect();
    let mut running = server.connect();
    running.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    until("the request runs", || observer.calls.load(Ordering::SeqCst) == 1);
    let started = Instant::now();
    server.tell_to_stop();
    thread::sleep(Duration::from_millis(200));
    observer.let_go();
    assert_eq!(Answer::read(&mut running).status, 200);
    let address = server.address;
    server.wait();
    let took = started.elapsed();
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(idle);
    took
}

#[test]
fn several_addresses_ipv6_and_unix() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let unix = Address::Unix(path.clone());
    let ipv6: Address = "[::1]:0".parse().unwrap();
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let addresses = if has_ipv6 { vec![ipv6, unix] } else { vec![unix] };
    let server = Server::start_on(&addresses, Arc::new(Fixed(hosts::full())), LIMIT);
    assert_eq!(get_unix(&path, &get("/metrics")).status, 200);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    if has_ipv6 {
        assert!(server.address.is_ipv6());
        assert_eq!(server.get("/metrics").status, 200);
    } else {
        skipped("this machine has no IPv6");
    }
    drop(server);
}

#[test]
fn all_interfaces() {
    let server = Server::start_on(&[Address::AllInterfaces(0)], Arc::new(Fixed(hosts::full())), LIMIT);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.address.port())).unwrap();
    stream.write_all(get("/-/healthy").as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
}

#[tokio::test]
async fn unix_socket_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let open = || Listeners::open(&[Address::Unix(path.clone())], 0o660, PassedSockets::none());

    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a stale file");
    let listeners = open().unwrap();
    assert!(matches!(open(), Err(ListenError::InUse { .. })), "somebody answers");
    assert!(path.exists(), "and keeps the file");
    drop(listeners);
    assert!(!path.exists(), "removed at the end");

    let listeners = open().unwrap();
    std::fs::remove_file(&path).unwrap();
    let successor = UnixListener::bind(&path).unwrap();
    drop(listeners);
    assert!(path.exists(), "another one's file stays");
    drop(successor);

    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(open(), Err(ListenError::NotASocket { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn what_cannot_be_opened() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(taken.local_addr().unwrap());
    let open = |address: &Address| Listeners::open(std::slice::from_ref(address), 0o660, PassedSockets::none());
    let message = open(&address).unwrap_err().to_string();
    assert!(message.contains("another program does already") && message.contains(&address.to_string()), "{message}");
    assert!(matches!(open(&Address::Systemd), Err(ListenError::NonePassed)));
    assert!(matches!(open(&Address::Unix("/nowhere/at/all.sock".into())), Err(ListenError::Other { .. })));
    let long = Address::Unix(format!("/tmp/{}", "x".repeat(200)).into());
    assert!(matches!(open(&long), Err(ListenError::Other { .. })));
    assert!(matches!(open(&"192.0.2.1:0".parse().unwrap()), Err(ListenError::Other { .. })));
}

//! `git http-backend` behind a small HTTP server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How the server treats requests.
#[derive(Clone, Default)]
pub struct Behaviour {
    /// The value of `Authorization` that it wants.
    pub authorization: Option<String>,
    /// It sends everybody there; the path is appended. With `authorization`: those who are let in.
    pub redirect_to: Option<String>,
    /// It answers everything with this status.
    pub status: Option<&'static str>,
    /// It breaks off fetches after so many bytes of the answer.
    pub truncate_fetch_at: Option<usize>,
    /// It sends a byte of a fetch's answer every 100 ms.
    pub drip_fetch: bool,
    /// It answers everything with this page.
    pub page: Option<&'static str>,
    /// Runs before a request is answered, with its number.
    pub before: Option<Arc<dyn Fn(usize) + Send + Sync>>,
}

/// One request, as the server saw it.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub authorization: Option<String>,
    length: usize,
    content_type: String,
}

/// A server on a port of its own, until it is dropped.
pub struct HttpServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves the repositories under `root`.
    pub fn start(root: &Path, behaviour: Behaviour) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, root, behaviour)
    }

    /// The same on another address, such as one that machines reach.
    pub fn start_at(address: Ipv4Addr, root: &Path, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let connection =
            Connection { root: root.to_owned(), behaviour, requests: Arc::clone(&requests), stop: Arc::clone(&stop) };
        let thread = std::thread::spawn(move || {
            let connection = Arc::new(connection);
            for stream in listener.incoming() {
                if connection.stop.load(Ordering::Relaxed) {
                    break;
                }
                let connection = Arc::clone(&connection);
                // A client that goes away is what some tests are about.
                std::thread::spawn(move || drop(connection.answer(&stream.unwrap())));
            }
        });
        Self { address, requests, stop, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}/repository/.git", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How often somebody asked for a pack.
    pub fn fetches(&self) -> usize {
        self.requests().iter().filter(|request| request.method == "POST").count()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

struct Connection {
    root: PathBuf,
    behaviour: Behaviour,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Connection {
    fn answer(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let request = read_request(&mut reader)?;
        let mut body = vec![0; request.length];
        reader.read_exact(&mut body)?;
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let behaviour = &self.behaviour;
        let is_fetch = request.method == "POST";
        let mut stream = stream;
        if let Some(status) = behaviour.status {
            return respond(stream, status, "text/plain", b"");
        }
        if behaviour.authorization.is_some() && behaviour.authorization != request.authorization {
            let header = "WWW-Authenticate: Basic realm=\"test\"\r\nContent-Type: text/plain";
            return write!(stream, "HTTP/1.1 401 No\r\n{header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        if let Some(location) = &behaviour.redirect_to {
            let location = format!("{location}{}", request.target);
            return write!(
                stream,
                "HTTP/1.1 302 Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        if let Some(page) = behaviour.page {
            return respond(stream, "200 OK", "text/html", page.as_bytes());
        }
        if let Some(before) = &behaviour.before {
            before(number);
        }
        let (status, content_type, mut content) = self.backend(&request, &body)?;
        if let (true, Some(length)) = (is_fetch, behaviour.truncate_fetch_at) {
            content.truncate(length);
        }
        if is_fetch && behaviour.drip_fetch {
            let length = content.len();
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            )?;
            for byte in content {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                stream.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(100));
            }
            return Ok(());
        }
        respond(stream, &status, &content_type, &content)
    }

    /// Runs `git http-backend` and gives the status, the type and the body of its answer.
    fn backend(&self, request: &Request, body: &[u8]) -> std::io::Result<(String, String, Vec<u8>)> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("REQUEST_METHOD", &request.method)
            .env("CONTENT_TYPE", &request.content_type)
            .env("CONTENT_LENGTH", body.len().to_string())
            .env("REMOTE_ADDR", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let written = child.stdin.take().unwrap().write_all(body);
        let output = child.wait_with_output()?.stdout;
        written?;
        let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let headers = String::from_utf8_lossy(&output[..end]).into_owned();
        let header =
            |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        let status = header("Status:").unwrap_or_else(|| "200 OK".to_owned());
        Ok((status, header("Content-Type:").unwrap_or_default(), output[end + 4..].to_vec()))
    }
}

fn read_request(reader: &mut impl std::io::BufRead) -> std::io::Result<Request> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut request = Request { method, target, authorization: None, length: 0, content_type: String::new() };
    for line in reader.lines() {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => request.authorization = Some(value.to_owned()),
            "content-length" => request.length = value.parse().unwrap(),
            "content-type" => value.clone_into(&mut request.content_type),
            _ => {}
        }
    }
    Ok(request)
}

fn respond(mut stream: &TcpStream, status: &str, content_type: &str, content: &[u8]) -> std::io::Result<()> {
    let length = content.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(content)
}

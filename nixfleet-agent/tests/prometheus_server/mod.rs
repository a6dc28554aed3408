//! A stand-in for Prometheus, which answers what a test says.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part of it, and stops at what it did not expect")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Answers each request by its query, and remembers the requests.
pub struct Server {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The answer is everything that is sent.
    pub fn start(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = head(&mut stream);
                let _ = stream.write_all(answer(&request).as_bytes());
                seen.lock().unwrap().push(request);
            }
        });
        Self { address, requests }
    }

    pub fn always(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(move |_| answer.clone())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

pub fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

pub fn vector(samples: &Value, warnings: &[&str]) -> String {
    let data = json!({ "resultType": "vector", "result": samples });
    http("200 OK", &json!({ "status": "success", "data": data, "warnings": warnings }).to_string())
}

pub fn sample(labels: &[(&str, &str)], value: &str) -> Value {
    let labels: serde_json::Map<_, _> = labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    json!({ "metric": labels, "value": [1_795_443_706.5, value] })
}

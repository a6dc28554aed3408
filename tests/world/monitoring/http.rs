//! As much of an HTTP client as the interfaces of Prometheus and Alertmanager need.

use std::io::{Error, Read as _, Result, Write as _};
use std::net::TcpStream;

/// These parameters as a form.
pub fn form(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// The status and the body of the answer to a form.
pub fn post(port: u16, path: &str, form: &str) -> Result<(u16, String)> {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{form}"
    );
    answer(port, &request)
}

/// The status and the body of the answer.
pub fn get(port: u16, path: &str) -> Result<(u16, String)> {
    answer(port, &format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
}

fn answer(port: u16, request: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| Error::other(format!("no answer: {text}")))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(|| Error::other(head.to_owned()))?, body.to_owned()))
}

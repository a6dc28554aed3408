//! Requests and their answers.

use std::convert::Infallible;
use std::fmt;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use crate::collect::Collection;
use crate::exposition::Format;
use crate::landing;

/// An answer. All of it is in memory: it is some ten thousand bytes.
pub type Answer = Response<Full<Bytes>>;

const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// No script, no resource from anywhere, in no other site's frame.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers one request. A request's body is never read.
pub async fn answer<B>(collection: &Collection, request: Request<B>) -> Result<Answer, Infallible> {
    let path = request.uri().path();
    if !matches!(path, "/" | "/metrics" | "/-/healthy") {
        return Ok(plain(StatusCode::NOT_FOUND, "Not found. See / and /metrics.\n"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here.\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(refusal);
    }
    Ok(match path {
        "/metrics" => {
            let format = Format::negotiate(&accept(request.headers()));
            encoded(format.encode(&collection.snapshot().await), format.content_type())
        }
        "/" => encoded(landing::page(&*collection.snapshot().await), HTML),
        _ => plain(StatusCode::OK, "nixfleet-exporter is healthy.\n"),
    })
}

/// All `Accept` headers as one list, as RFC 9110 has it. What is no text asks for nothing.
fn accept(headers: &HeaderMap) -> String {
    let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

fn encoded(text: Result<String, fmt::Error>, content_type: &'static str) -> Answer {
    match text {
        Ok(text) => with_headers(StatusCode::OK, text.into(), content_type),
        // Writing to a String does not fail: only a Display that says so would get here.
        Err(error) => {
            tracing::error!("cannot encode the answer: {error}; please report this");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "The answer could not be encoded: see the exporter's log.\n")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    with_headers(status, Bytes::from_static(text.as_bytes()), PLAIN)
}

fn with_headers(status: StatusCode, body: Bytes, content_type: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

//! Servers over http that answer with something else than a Git server does, each told in one sentence.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up its world has failed")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use jiff::Timestamp;
use nixfleet_core::git::RemoteStore;
use world::git_server::source;

const ADVERTISEMENT: &str = "Content-Type: application/x-git-upload-pack-advertisement";

/// Answers every question with these bytes, as often as it is told, and closes the connection.
fn answering(answer: &str, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    let answer = answer.replace("SELF", &url);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let question = BufReader::new(stream.try_clone().unwrap());
            question.lines().take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
            // Who has read enough goes away.
            let _ = (0..times).try_for_each(|_| stream.write_all(answer.as_bytes()));
        }
    });
    url
}

fn said(url: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let store = RemoteStore::new(directory.path().join("remote.git"));
    let error = store.observe(&source(url, None), None, None, Timestamp::UNIX_EPOCH).unwrap_err();
    let kind = format!("{error:?}");
    let kind = kind.split_whitespace().next().unwrap();
    let sentence = error.to_string();
    assert!(!sentence.contains('\n') && sentence.len() < 700, "{sentence}");
    format!("{kind}: {}", sentence.replace(url, "URL"))
}

#[test]
fn each_is_told_in_one_sentence() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let pack_lines = "001e# service=git-upload-pack\n0000";
    for (what, answer, times, expected) in [
        ("no http", "SSH-2.0-OpenSSH_9\r\n".to_owned(), 1, "Protocol: URL does not answer as a Git server should"),
        ("nothing", String::new(), 1, "Network: cannot reach URL: the connection broke off"),
        ("endless head", format!("{ok}X: {}", "a".repeat(1_000_000)), 1, "(the head of its answer does not end)"),
        ("endless line", "a".repeat(1000), 100_000, "Protocol: URL does not answer"),
        ("endless lines", format!("{ok}{}", "X: a\r\n".repeat(10_000)), 1, "Protocol: URL does not answer"),
        ("no type", format!("{ok}Content-Length: 4\r\n\r\n0000"), 1, "no content type"),
        ("a page", format!("{ok}Content-Type: text/html\r\n\r\n<h1>Log in"), 1, "web page (text/html)"),
        (
            "a plain file",
            format!("{ok}Content-Type: text/plain; charset=utf-8\r\n\r\n0000"),
            1,
            "it sends \"text/plain\" instead of application/x-git-upload-pack-advertisement",
        ),
        (
            "a bomb",
            format!("{ok}{ADVERTISEMENT}\r\nContent-Encoding: gzip\r\n\r\n\u{1f}"),
            1,
            "Protocol: URL does not answer as a Git server should (it sends an answer in an encoding that was not asked for",
        ),
        (
            "a tail that misses",
            format!("{ok}{ADVERTISEMENT}\r\nContent-Length: 999\r\n\r\n{pack_lines}"),
            1,
            "broke off",
        ),
        (
            "a chunk that misses",
            format!("{ok}{ADVERTISEMENT}\r\nTransfer-Encoding: chunked\r\n\r\n22\r\n{pack_lines}\r\nff\r\n00"),
            1,
            "broke off",
        ),
        ("no lines of git", format!("{ok}{ADVERTISEMENT}\r\n\r\nzzzzzzzz"), 1, "Protocol: URL does not answer"),
        ("no reference", format!("{ok}{ADVERTISEMENT}\r\n\r\n{pack_lines}000aERR no"), 1, "(remote error: no)"),
        (
            "in a circle",
            "HTTP/1.1 302 Found\r\nLocation: SELF/info/refs?service=git-upload-pack\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            1,
            "Address: the address URL cannot be used: the server redirects again and again: check the address",
        ),
        (
            "to a login",
            "HTTP/1.1 302 Found\r\nLocation: /login?from=a\r\nContent-Length: 0\r\n\r\n".to_owned(),
            1,
            "/login, which is no address of a repository: check the address, and that the credentials may read it",
        ),
        (
            "elsewhere",
            "HTTP/1.1 301 Moved\r\nLocation: http://evil.example/a/info/refs\r\nContent-Length: 0\r\n\r\n".to_owned(),
            1,
            "the server redirects to http://evil.example/a/info/refs, which is not followed: configure the new address",
        ),
        ("nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned(), 1, "without saying where to"),
        (
            "another kind of credential",
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n".to_owned(),
            1,
            "Authentication: URL refuses access: it asks for credentials: check the address, or configure a token",
        ),
    ] {
        let said = said(&answering(&answer, times));
        println!("{what}: {said}");
        assert!(said.contains(expected), "{what}: {said}");
    }
}

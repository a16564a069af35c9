//! Clients that mean harm, on the TCP side.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Shown, send};
use crate::scripted::ScriptedAgent;

#[tokio::test]
async fn odd_requests_get_the_right_refusal() {
    let shown = Shown::start(ScriptedAgent::new()).await;
    let long = "a".repeat(9000);
    let cases: Vec<(String, &str)> = vec![
        ("GET /healthz HTTP/1.1\r\nhost: page.example\r\n\r\n".into(), "200"),
        ("GET /healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n".into(), "421"),
        ("GET / HTTP/1.1\r\nhost: localhost.evil.example:9733\r\n\r\n".into(), "421"),
        ("GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "421"),
        ("GET http://localhost/healthz HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "200"),
        ("GET / HTTP/1.1\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.0\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n".into(), "400"),
        ("POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".into(), "405"),
        ("OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "405"),
        ("BREW /pot HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "405"),
        ("CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "405"),
        ("GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\n\r\nabc".into(), "413"),
        ("GET / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".into(), "413"),
        (format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"), "431"),
        ("GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "404"),
        ("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "404"),
        ("GET /metrics/ HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "404"),
        ("GET //metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "404"),
        ("GET /v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "404"),
        ("GET /%zz%%%00 HTTP/1.1\r\nhost: localhost\r\n\r\n".into(), "404"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\nhost localhost\n\n".into(), "400"),
        // A client that speaks HTTP/2 only is hung up on.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), "none"),
    ];
    for (request, expected) in cases {
        let told = send(shown.address, request.as_bytes()).await;
        let start: String = request.chars().take(70).collect();
        assert_eq!(told.status(), expected, "{start:?}: {}", told.head);
        assert_eq!(told.header("server"), None);
        assert!(!told.text().contains("evil.example"), "nothing is echoed");
    }
    let told = send(shown.address, b"DELETE / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(told.header("allow"), Some("GET, HEAD"));
    assert!(shown.api.agent.orders.lock().unwrap().is_empty());
    shown.end().await;
}

#[tokio::test]
async fn a_hundred_connections_are_bounded_and_slow_ones_are_cut() {
    let shown = Shown::start(ScriptedAgent::new()).await;
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(shown.address).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: local").await;
        open.push(stream);
    }
    let mut refused = 0;
    for stream in open.iter_mut().rev().take(36) {
        let mut answer = [0; 400];
        let count = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await.unwrap().unwrap_or(0);
        let text = String::from_utf8_lossy(&answer[..count]);
        refused += usize::from(text.starts_with("HTTP/1.1 503") && text.contains("retry-after: 1"));
    }
    assert_eq!(refused, 36, "64 are served, the others are told to come again");
    let told = send(shown.address, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(told.status(), "503");
    // A slow loris sends a byte now and then; its time for the header ends all the same.
    let mut loris = open.swap_remove(0);
    let cut = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if loris.write_all(b"a").await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cut).await.expect("a slow loris is cut");
    let told = send(shown.address, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(told.status(), "200", "there is room again");
    drop(open);
    shown.end().await;
}

#[tokio::test]
async fn resets_and_silence_do_no_harm() {
    let shown = Shown::start(ScriptedAgent::new()).await;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(shown.address).await.unwrap();
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        // Closed with data unread on both sides: a reset.
        drop(stream);
    }
    let mut deaf = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(shown.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        deaf.push(stream);
    }
    assert_eq!(shown.get("/healthz", "").await.status(), "200");
    drop(deaf);
    shown.end().await;
}

//! Clients that mean harm or know no better: bounded, answered where they can be, and never in the way of others.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Served;
use crate::api::Request;
use crate::scripted::ScriptedAgent;

/// Sends `bytes`, closes its side, and reads what comes.
async fn send(served: &Served, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(served.socket()).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
async fn odd_requests_get_the_right_refusal() {
    let served = Served::start(ScriptedAgent::new()).await;
    let long = "a".repeat(9000);
    let many: String = (0..70).map(|number| format!("x-{number}: 1\r\n")).collect();
    let cases: Vec<(String, &str)> = vec![
        ("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".into(), "200"),
        ("GET http://anything/healthz HTTP/1.1\r\nhost: x\r\n\r\n".into(), "200"),
        ("GET /healthz HTTP/1.0\r\n\r\n".into(), "200"),
        (format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "431"),
        ("DELETE /v1/status HTTP/1.1\r\nhost: x\r\n\r\n".into(), "405"),
        ("POST /v1/status HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".into(), "405"),
        ("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n".into(), "405"),
        ("CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n".into(), "405"),
        ("get /healthz HTTP/1.1\r\nhost: x\r\n\r\n".into(), "405"),
        ("GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n".into(), "404"),
        ("GET /v1/status/%2e%2e%2f HTTP/1.1\r\nhost: x\r\n\r\n".into(), "404"),
        ("GET /v1/explain?what=%ff%fe HTTP/1.1\r\nhost: x\r\n\r\n".into(), "400"),
        ("\u{1}\u{2}\u{3}\u{ff}\r\n\r\n".into(), "400"),
        ("GET /healthz HTTP/9.9\r\n\r\n".into(), "400"),
        ("GET\r\n\r\n".into(), "400"),
        (format!("POST /v1/apply HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n{}", "a".repeat(70000)), "413"),
        ("POST /v1/apply HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{".into(), "400"),
        ("POST /v1/apply HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".into(), "400"),
        ("POST /v1/wake HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}".into(), "400"),
    ];
    for (request, expected) in cases {
        let answer = send(&served, request.as_bytes()).await;
        let shown: String = request.chars().take(60).collect();
        assert_eq!(status(&answer), expected, "{shown:?} {answer:.200}");
    }
    let allow = send(&served, b"PUT / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(allow.contains("\r\nallow: GET, HEAD, POST\r\n") && allow.contains("hostkeeper.error/1"), "{allow}");
    let head = send(&served, b"HEAD /v1/status HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(served.agent.orders.lock().unwrap().is_empty());
    served.end().await;
}

#[tokio::test]
async fn mute_and_endless_clients_are_cut_and_do_not_lock_others_out() {
    let served = Served::start(ScriptedAgent::new()).await;
    let mut mute = Vec::new();
    for _ in 0..63 {
        let mut stream = UnixStream::connect(served.socket()).await.unwrap();
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nx: ").await.unwrap();
        mute.push(stream);
    }
    let client = served.client();
    assert!(client.ask(&Request::get("/healthz")).await.unwrap().is_ok(), "there is room for one");
    let full = UnixStream::connect(served.socket()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = send(&served, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1"), "{answer}");
    drop(full);
    // Their time to send a header ends, though bytes keep coming.
    let mut last = mute.pop().unwrap();
    let cut = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if last.write_all(b"a").await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), cut).await.expect("a slow loris is cut");
    assert!(client.ask(&Request::get("/healthz")).await.unwrap().is_ok());
    drop(mute);
    served.end().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_does_not_hold_the_others() {
    let served = Served::start(ScriptedAgent::new()).await;
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let mut stream = UnixStream::connect(served.socket()).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        deaf.push(stream);
    }
    for _ in 0..20 {
        assert!(served.client().ask(&Request::get("/metrics")).await.unwrap().is_ok());
    }
    drop(deaf);
    served.end().await;
}

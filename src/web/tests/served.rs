//! What the page's process answers, over real connections.

use std::io::Read;
use std::time::Duration;

use super::{Shown, send, start_web};
use crate::api::Client;
use crate::scripted::{self, ScriptedAgent};
use crate::web::{Failure, WebOptions, run};

#[tokio::test]
async fn metrics_pass_through_exactly() {
    let shown = Shown::start(ScriptedAgent::new()).await;
    let expected = scripted::scrape(crate::metrics::Filter::default(), 1500).text;
    let told = shown.get("/metrics", "").await;
    assert_eq!(told.status(), "200");
    assert_eq!(told.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(told.header("content-length"), Some(expected.len().to_string().as_str()));
    assert_eq!(told.header("vary"), Some("accept-encoding"));
    assert_eq!(told.body, expected);
    let zipped = shown.get("/metrics", "accept-encoding: gzip;q=0.5\r\n").await;
    assert_eq!((zipped.status(), zipped.header("content-encoding")), ("200", Some("gzip")));
    assert!(zipped.body.len() < expected.len() / 4);
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(zipped.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, expected);
    let few = shown.get("/metrics?collect[]=hostkeeper&x=1&exclude%5B%5D=gpu", "").await;
    assert!(few.text().contains("hostkeeper_up 1") && !few.text().contains("node_"), "{}", few.text());
    assert_eq!(shown.get("/metrics?collect[]=%zz", "").await.status(), "400");
    let words: String = (0..60).map(|word| format!("collect[]={}{word}&", "a".repeat(70))).collect();
    let refused = shown.get(&format!("/metrics?{words}"), "").await;
    assert_eq!(refused.status(), "400", "the agent's refusal is passed on: {}", refused.text());
    let head = send(shown.address, b"HEAD /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!((head.status(), head.body.len()), ("200", 0));
    shown.end().await;
}

#[tokio::test]
async fn every_answer_has_the_guarding_headers_and_no_banner() {
    let shown = Shown::start(ScriptedAgent::new()).await;
    for target in ["/", "/metrics", "/healthz", "/readyz", "/style.css", "/favicon.ico", "/nothing"] {
        let told = shown.get(target, "").await;
        assert_eq!(told.header("x-content-type-options"), Some("nosniff"), "{target}");
        assert_eq!(told.header("referrer-policy"), Some("no-referrer"), "{target}");
        assert!(told.header("content-security-policy").unwrap().starts_with("default-src 'self';"), "{target}");
        assert_eq!((told.header("server"), told.header("x-powered-by")), (None, None));
    }
    let status = |target: &'static str| {
        let shown = &shown;
        async move { shown.get(target, "").await.status().to_owned() }
    };
    assert_eq!(status("/favicon.ico").await, "204");
    assert_eq!(status("/style.css").await, "200");
    assert_eq!(shown.get("/style.css", "").await.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(shown.get("/", "").await.header("content-type"), Some("text/html; charset=utf-8"));
    shown.end().await;
}

#[tokio::test]
async fn health_is_that_of_both_processes() {
    let shown = Shown::start(ScriptedAgent::new()).await;
    assert_eq!(shown.get("/healthz", "").await.text(), "ok\n");
    assert_eq!(shown.get("/readyz", "").await.status(), "200");
    shown.api.agent.ready.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(shown.get("/healthz", "").await.status(), "200");
    assert_eq!(shown.get("/readyz", "").await.status(), "503");
    shown.end().await;
}

#[tokio::test]
async fn without_an_agent_everything_says_so() {
    let (address, shutdown, task) = start_web(Client::new("/nowhere/hostkeeper.sock")).await;
    for target in ["/metrics", "/healthz", "/readyz", "/"] {
        let told = send(address, format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await;
        assert_eq!(told.status(), "503", "{target}");
        assert!(told.text().contains("systemctl start hostkeeper"), "{target}: {}", told.text());
    }
    shutdown.send_replace(true);
    task.await.unwrap();
}

#[tokio::test]
async fn a_scrape_that_is_too_slow_is_refused_in_time() {
    let slow = ScriptedAgent { slow: Duration::from_secs(20), ..ScriptedAgent::new() };
    let shown = Shown::start(slow).await;
    let told = shown.get("/metrics", "x-prometheus-scrape-timeout-seconds: 0.2\r\n").await;
    assert_eq!(told.status(), "503");
    assert_eq!(told.text(), "the agent gave no metrics within 0.1 s\n");
    shown.shutdown.send_replace(true);
}

#[tokio::test]
async fn at_most_sixteen_scrapes_at_once() {
    let slow = ScriptedAgent { slow: Duration::from_millis(500), ..ScriptedAgent::new() };
    let shown = Shown::start(slow).await;
    let scrapes = futures_util::future::join_all((0..24).map(|_| shown.get("/metrics", ""))).await;
    let busy: Vec<_> = scrapes.iter().filter(|told| told.status() == "503").collect();
    assert_eq!(busy.len(), 8);
    assert!(busy.iter().all(|told| told.header("retry-after") == Some("1")));
    assert_eq!(scrapes.iter().filter(|told| told.status() == "200").count(), 16);
    assert_eq!(shown.get("/metrics", "").await.status(), "200", "their places are free again");
    shown.end().await;
}

#[test]
fn it_stays_on_this_host() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:10.0.0.1]:0"] {
        let options = WebOptions {
            listen: listen.parse().unwrap(),
            socket: "/nowhere/x.sock".into(),
            web_config: None,
            hosts: Vec::new(),
            user: None,
        };
        let Err(Failure::Config(error)) = run(&options, |_, _| panic!("it listens")) else { panic!("it listens") };
        assert!(error.contains("will not listen on") && error.contains("ssh -L"), "{error}");
    }
}

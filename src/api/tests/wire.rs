//! The socket itself: its rights, what is in its place, the client's view of it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use super::Served;
use crate::api::types::{Done, HistoryQuery, KeyOrigin, Order, Scrape};
use crate::api::{Agent, Answer, Client, ClientError, Door, Refusal, Request, ServeOptions, shapes};
use crate::host::socket;
use crate::scripted::ScriptedAgent;

#[tokio::test]
async fn the_same_answers_come_over_the_socket() {
    let served = Served::start(ScriptedAgent::new()).await;
    for target in
        ["/v1/status", "/v1/plan?project=athena", "/metrics?collect[]=node", "/v1/nothing", "/v1/history?limit=0"]
    {
        let over = served.client().ask(&Request::get(target)).await.unwrap();
        let mut within = super::ask(&served.agent, target).await;
        if target == "/v1/status" {
            let status: shapes::Status = over.json().unwrap();
            assert_eq!(status.host.hostname, "db1");
            within.body.clone_from(&over.body);
        }
        assert_eq!(over, within, "{target}");
    }
    let done = served.client().ask(&Request::post("/v1/wake", &serde_json::json!({}))).await.unwrap();
    assert_eq!(done.json::<shapes::DoneShown>().unwrap().text, "done");
    let (order, by) = served.agent.orders.lock().unwrap()[0].clone();
    assert_eq!(order, Order::Wake);
    assert_eq!((by.uid, by.pid), (socket::own_uid(), i32::try_from(std::process::id()).unwrap()));
    served.end().await;
}

#[tokio::test]
async fn how_long_answers_take_is_counted_by_route() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let pages = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let served = Served::start(ScriptedAgent::new()).await;
    for target in ["/v1/status/athena", "/v1/status/wxlibrary", "/made/up", "/made/up/too"] {
        served.client().ask(&Request::get(target)).await.unwrap();
    }
    let page = pages.render();
    for line in ["{route=\"/v1/status/{project}\"} 2", "{route=\"other\"} 2"] {
        assert!(page.contains(&format!("hostkeeper_api_request_duration_seconds_count{line}")), "{page}");
    }
    served.end().await;
}

#[tokio::test]
async fn the_socket_is_0660_and_stale_ones_are_replaced() {
    let served = Served::start(ScriptedAgent::new()).await;
    let meta = std::fs::metadata(served.socket()).unwrap();
    assert_eq!(meta.permissions().mode() & 0o7777, 0o660);
    let options = ServeOptions { socket: served.socket(), group: None };
    let error = Door::open(&options).unwrap_err().chain();
    assert!(error.contains("another agent serves this socket"), "{error}");
    assert_eq!(std::fs::metadata(served.socket()).unwrap().ino(), meta.ino(), "left alone");
    served.end().await;

    let folder = tempfile::tempdir().unwrap();
    let options = ServeOptions { socket: folder.path().join("new/api.sock"), group: Some("no-such-group".into()) };
    drop(Door::open(&options).unwrap());
    assert!(options.socket.exists(), "an agent that was killed leaves its socket");
    drop(Door::open(&options).unwrap());
    std::fs::remove_file(&options.socket).unwrap();
    std::fs::write(&options.socket, "precious").unwrap();
    let error = Door::open(&options).unwrap_err().chain();
    assert!(error.contains("not a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&options.socket).unwrap(), "precious");
    std::fs::remove_file(&options.socket).unwrap();
    std::os::unix::fs::symlink("elsewhere", &options.socket).unwrap();
    assert!(Door::open(&options).is_err(), "a link is not a socket either");
}

#[tokio::test]
async fn the_end_removes_only_the_own_socket() {
    let served = Served::start(ScriptedAgent::new()).await;
    std::fs::remove_file(served.socket()).unwrap();
    std::fs::write(served.socket(), "another's").unwrap();
    served.shutdown.send_replace(true);
    served.task.await.unwrap();
    assert!(served.folder.path().join("api.sock").exists());
}

#[tokio::test]
async fn the_client_tells_absence_from_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Client::new(folder.path().join("none.sock")).ask(&Request::get("/v1/status")).await.unwrap_err();
    assert!(matches!(missing, ClientError::NoDaemon { .. }));
    assert_eq!(missing.refusal().code, "no_daemon");
    let path = folder.path().join("mute.sock");
    let mute = tokio::net::UnixListener::bind(&path).unwrap();
    let client = Client::new(&path).within(Duration::from_millis(50));
    assert!(matches!(client.ask(&Request::get("/")).await.unwrap_err(), ClientError::Timeout { .. }));
    drop(mute);
    assert!(matches!(client.ask(&Request::get("/")).await.unwrap_err(), ClientError::NoDaemon { .. }));
    let served = Served::start(ScriptedAgent::new()).await;
    let other_way = client.or_by(served.socket()).within(Duration::from_secs(10));
    assert!(other_way.ask(&Request::get("/healthz")).await.unwrap().is_ok());
    served.end().await;
}

#[tokio::test]
async fn an_answer_that_is_not_ours_is_an_error_and_bounded() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let client = Client::new(&path);
    let huge = vec![b'x'; 17 << 20];
    let mut whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", huge.len()).into_bytes();
    whole.extend_from_slice(&huge);
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"sch".to_vec();
    let html = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>".to_vec();
    for (bytes, expected) in
        [(whole, "larger than"), (half, "failed"), (b"SSH-2.0-x\r\n".to_vec(), "failed"), (html, "502")]
    {
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(&bytes).await;
        };
        let request = Request::get("/v1/status");
        let (told, ()) = tokio::join!(client.ask(&request), answer);
        let text = match told {
            Err(error) => error.to_string(),
            Ok(response) => response.json::<shapes::Status>().unwrap_err().text,
        };
        assert!(text.contains(expected), "{text}");
    }
}

/// An agent whose order takes until it is released, or panics.
struct SlowAgent {
    inner: ScriptedAgent,
    release: tokio::sync::Notify,
    finished: std::sync::atomic::AtomicBool,
}

impl Agent for SlowAgent {
    fn snapshot(&self) -> Arc<crate::round::Snapshot> {
        panic!("a defect")
    }
    fn rounds(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.rounds()
    }
    fn metrics(&self, filter: crate::metrics::Filter) -> Answer<'_, Result<Scrape, Refusal>> {
        self.inner.metrics(filter)
    }
    fn history(&self, query: HistoryQuery) -> Answer<'_, Result<Vec<crate::ledger::Entry>, Refusal>> {
        self.inner.history(query)
    }
    fn order(&self, _: Order, _: crate::api::types::Caller) -> Answer<'_, Result<Done, Refusal>> {
        Box::pin(async {
            self.release.notified().await;
            self.finished.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok(Done::default())
        })
    }
    fn config_key(&self, _: &str) -> Option<KeyOrigin> {
        None
    }
    fn ready(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn an_order_goes_on_when_its_client_goes_away_and_a_defect_is_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let options = ServeOptions { socket: folder.path().join("api.sock"), group: None };
    let agent = Arc::new(SlowAgent {
        inner: ScriptedAgent::new(),
        release: tokio::sync::Notify::new(),
        finished: false.into(),
    });
    let (shutdown, seen) = tokio::sync::watch::channel(false);
    let task = tokio::spawn(Door::open(&options).unwrap().serve(Arc::clone(&agent) as Arc<dyn Agent>, seen));
    let client = Client::new(&options.socket);
    let broken = client.ask(&Request::get("/v1/status")).await.unwrap();
    assert_eq!(broken.status, 500, "a panic is an answer");
    let impatient = client.clone().within(Duration::from_millis(100));
    let order = Request::post("/v1/wake", &serde_json::json!({}));
    assert!(matches!(impatient.ask(&order).await.unwrap_err(), ClientError::Timeout { .. }));
    agent.release.notify_one();
    while !agent.finished.load(std::sync::atomic::Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.send_replace(true);
    task.await.unwrap();
}

//! The event stream: what comes, in which order, from where it goes on, and that a slow client is dropped.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Served;
use crate::api::events::render_events;
use crate::api::{Events, shapes};
use crate::scripted::{ScriptedAgent, entry};

async fn ids(events: &mut Events, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await.expect("an event in time");
        let event = event.unwrap().expect("the stream goes on");
        assert_eq!(event.name, "entry");
        let shown: shapes::EventShown = serde_json::from_str(&event.data).unwrap();
        assert_eq!((shown.schema.as_str(), Some(shown.entry.id)), ("hostkeeper.event/1", event.id));
        ids.push(shown.entry.id);
    }
    ids
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left() {
    let served = Served::start(ScriptedAgent::new()).await;
    let mut from_one = served.client().events("after=1").await.unwrap();
    assert_eq!(ids(&mut from_one, 2).await, [2, 3], "oldest first");
    served.agent.happen("reloaded");
    served.agent.happen("reloaded again");
    assert_eq!(ids(&mut from_one, 2).await, [4, 5]);
    let mut filtered = served.client().events("after=0&kind=started").await.unwrap();
    assert_eq!(ids(&mut filtered, 1).await, [1]);
    let agent = std::sync::Arc::clone(&served.agent);
    drop(filtered);
    served.shutdown.send_replace(true);
    assert_eq!(from_one.next().await.unwrap(), None, "the agent ends its streams");
    served.end().await;
    drop(agent);
}

#[tokio::test]
async fn without_a_place_only_what_is_new_comes_and_the_header_is_a_place() {
    let served = Served::start(ScriptedAgent::new()).await;
    let mut stream = tokio::net::UnixStream::connect(served.socket()).await.unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: x\r\nlast-event-id: 2\r\n\r\n").await.unwrap();
    let mut text = String::new();
    while !text.contains("id: 3\nevent: entry\ndata: {\"schema\":\"hostkeeper.event/1\",\"id\":3") {
        let mut bytes = [0; 4096];
        let count = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut bytes)).await;
        let count = count.expect("the entry after the last one seen").unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert!(text.contains("content-type: text/event-stream\r\n") && !text.contains("id: 1\n"), "{text}");
    let mut fresh = served.client().events("").await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let new = served.agent.happen("news");
    assert_eq!(ids(&mut fresh, 1).await, [new]);
    let refused = served.client().events("after=x").await.unwrap_err().to_string();
    assert!(refused.contains("400") && refused.contains("after=\"x\" is not a whole number"), "{refused}");
    drop((stream, fresh));
    served.end().await;
}

#[tokio::test]
async fn streams_are_bounded_in_number() {
    let served = Served::start(ScriptedAgent::new()).await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(served.client().events("").await.unwrap());
    }
    let refused = served.client().events("").await.unwrap_err().to_string();
    assert!(refused.contains("503"), "{refused}");
    assert!(served.client().ask(&crate::api::Request::get("/healthz")).await.unwrap().is_ok());
    drop(open);
    served.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped() {
    let agent = std::sync::Arc::new(ScriptedAgent::new());
    let (lines, mut reader) = tokio::sync::mpsc::channel(crate::api::events::QUEUE);
    let deadline = crate::api::link::Deadline::after(Duration::from_secs(30));
    let query = crate::api::types::HistoryQuery { after: Some(0), limit: 1001, ..Default::default() };
    for _ in 0..200 {
        agent.happen("flood");
    }
    let sender = crate::api::events::Sender { agent, query, lines, deadline, patience: Duration::from_millis(50) };
    // Nothing reads: the queue fills, and the sender gives up by itself.
    tokio::time::timeout(Duration::from_secs(60), sender.run()).await.expect("gave up");
    let mut waiting = 0;
    while reader.recv().await.is_some() {
        waiting += 1;
    }
    assert_eq!(waiting, crate::api::events::QUEUE);
}

#[test]
fn too_much_missed_is_a_gap() {
    let entries: Vec<_> = (1..=1001).rev().map(|id| entry(id, "reloaded", "host", "x")).collect();
    let (events, newest) = render_events(&entries, 0).unwrap();
    assert_eq!((events.len(), newest), (1001, 1001));
    assert_eq!(events[0], "event: gap\ndata: {\"schema\":\"hostkeeper.gap/1\",\"after\":0,\"resumed_at\":2}\n\n");
    assert!(events[1].starts_with("id: 2\n"));
    let (events, _) = render_events(&entries[1..], 0).unwrap();
    assert!(events[0].starts_with("id: 1\n"), "a thousand are not too many");
    assert!(render_events(&[], 0).is_none());
}

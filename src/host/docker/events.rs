//! Docker's events, only to wake: who is woken looks again. Losing one is harmless, and so is one that lies.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;

use super::transport::{Bounds, Reach};
use super::{OLDEST_API, PATIENCE, answer, client};

/// Bytes of one connection; then a new one is made. It also bounds what one endless line can cost.
const STREAM_BYTES: u64 = 4 * 1024 * 1024;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// After this the stream is open, or it never will be: what happened before it opened is looked for then.
const SETTLED: Duration = Duration::from_millis(500);
/// What is asked for. Without the list every health check of every container would come (`exec_create`, `exec_start`).
const WANTED: [&str; 11] =
    ["create", "start", "die", "stop", "destroy", "health_status", "oom", "rename", "pause", "unpause", "update"];

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The stream is open (again): anything may have happened before.
    Connected,
    /// Something happened to this container.
    Container(String),
}

/// Follows the events and calls `wake` for each, for ever: connects again after errors, at most every 30 s when nothing
/// comes. To end it, drop it.
pub async fn follow_events(socket: &Path, wake: impl Fn(Event) + Send) {
    let mut wait = FIRST_WAIT;
    loop {
        if follow_once(socket, &wake).await {
            wait = FIRST_WAIT;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// One connection. Whether any event came.
async fn follow_once(socket: &Path, wake: &(impl Fn(Event) + Send)) -> bool {
    if !socket.exists() {
        return false;
    }
    let Ok(client) = client(socket, Bounds { reach: Reach::Look, bytes: STREAM_BYTES, life: None }, PATIENCE) else {
        return false;
    };
    let Ok(Ok(client)) = tokio::time::timeout(PATIENCE, client.negotiate_version()).await else { return false };
    let api = client.client_version();
    if (api.major_version, api.minor_version) < OLDEST_API {
        return false;
    }
    let filters: HashMap<String, Vec<String>> = HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("event".to_owned(), WANTED.map(str::to_owned).to_vec()),
    ]);
    let options = EventsOptionsBuilder::new().filters(&filters).build();
    let mut stream = Box::pin(client.events(Some(options)));
    let mut any = false;
    let mut settled = Box::pin(tokio::time::sleep(SETTLED));
    let mut told = false;
    loop {
        let event = tokio::select! {
            () = &mut settled, if !told => {
                told = true;
                wake(Event::Connected);
                continue;
            }
            event = stream.next() => event,
        };
        let Some(Ok(event)) = event else { break };
        any = true;
        let id = event.actor.and_then(|actor| actor.id).filter(|id| answer::is_id(id));
        wake(id.map_or(Event::Connected, Event::Container));
    }
    any
}

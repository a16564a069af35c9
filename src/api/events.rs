//! History as it happens: server-sent events, taken up again where a client left off. Bounded per client: who does not
//! read is dropped, who missed too much is told so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::link::Deadline;
use super::request::Request;
use super::shapes::{EventShown, GapShown};
use super::types::HistoryQuery;
use super::{Agent, Refusal, looks, routes, views};
use crate::ledger::Entry;

/// The exact content type of the stream.
pub const CONTENT_TYPE: &str = "text/event-stream";
/// Events that wait for a client to read.
pub const QUEUE: usize = 64;
/// A sign of life at least this often.
const ALIVE: Duration = Duration::from_secs(15);
/// Entries that did not come with a round (orders, reloads) are seen within this.
const LOOK: Duration = Duration::from_secs(2);
/// At least this between two looks.
const REST: Duration = Duration::from_millis(250);
/// A client that takes nothing for so long is dropped.
pub const SLOW: Duration = Duration::from_secs(10);
/// The ledger has so long to answer.
const LEDGER: Duration = Duration::from_secs(10);

/// The filters of a stream.
pub fn parse_stream(request: &Request) -> Result<HistoryQuery, Refusal> {
    let matched = routes::match_route(request)?;
    let query = looks::parse_history(&matched, jiff::Timestamp::now())?;
    Ok(HistoryQuery { since: None, limit: looks::MOST_ENTRIES + 1, ..query })
}

/// Writes one client's stream.
pub struct Sender {
    pub agent: Arc<dyn Agent>,
    pub query: HistoryQuery,
    pub lines: mpsc::Sender<Bytes>,
    /// Extended with every event that the client takes.
    pub deadline: Deadline,
    /// How long one event may wait for the client: `SLOW`.
    pub patience: Duration,
}

impl Sender {
    /// Runs until the client is gone or too slow.
    pub async fn run(mut self) {
        self.deadline.extend(ALIVE + SLOW * 3);
        let mut rounds = self.agent.rounds();
        let mut sent = self.send(Bytes::from_static(b": hostkeeper events\n\n")).await;
        let mut last = tokio::time::Instant::now();
        while sent {
            let text = self.look().await;
            if !text.is_empty() {
                last = tokio::time::Instant::now();
            } else if last.elapsed() >= ALIVE {
                last = tokio::time::Instant::now();
                sent = self.send(Bytes::from_static(b": alive\n\n")).await;
            }
            for event in text {
                sent = sent && self.send(Bytes::from(event)).await;
            }
            tokio::time::sleep(REST).await;
            // Either there was a round, or it is time to look for what came without one.
            let _ = tokio::time::timeout(LOOK, rounds.changed()).await;
        }
        self.deadline.end();
    }

    async fn send(&self, bytes: Bytes) -> bool {
        let sent = self.lines.send_timeout(bytes, self.patience).await.is_ok();
        if sent {
            self.deadline.extend(ALIVE + SLOW * 3);
        }
        sent
    }

    /// Events since the last look; none when the ledger does not answer (the next look asks again).
    async fn look(&mut self) -> Vec<String> {
        let Some(after) = self.query.after else {
            // Only what comes from now on: the newest entry of all, whatever the filters.
            let newest = self.ask(HistoryQuery { limit: 1, ..HistoryQuery::default() }).await;
            self.query.after = newest.map(|entries| entries.first().map_or(0, |entry| entry.id));
            return Vec::new();
        };
        let entries = self.ask(self.query.clone()).await.unwrap_or_default();
        let Some((events, newest)) = render_events(&entries, after) else { return Vec::new() };
        self.query.after = Some(newest);
        events
    }

    async fn ask(&self, query: HistoryQuery) -> Option<Vec<Entry>> {
        tokio::time::timeout(LEDGER, self.agent.history(query)).await.ok()?.ok()
    }
}

/// Entries (newest first) as events, oldest first, and the newest id. More than a client may miss become a `gap`.
pub(super) fn render_events(entries: &[Entry], after: i64) -> Option<(Vec<String>, i64)> {
    let newest = entries.first()?.id;
    let shown = entries.get(..looks::MOST_ENTRIES as usize).unwrap_or(entries);
    let mut events = Vec::with_capacity(shown.len() + 1);
    if let Some(oldest) = shown.last().filter(|_| shown.len() < entries.len()) {
        let gap = GapShown { schema: "hostkeeper.gap/1".into(), after, resumed_at: oldest.id };
        events.push(format!("event: gap\ndata: {}\n\n", serde_json::to_string(&gap).unwrap_or_default()));
    }
    for entry in shown.iter().rev() {
        let event = EventShown { schema: "hostkeeper.event/1".into(), entry: views::render_entry(entry) };
        let data = serde_json::to_string(&event).unwrap_or_default();
        events.push(format!("id: {}\nevent: entry\ndata: {data}\n\n", entry.id));
    }
    Some((events, newest))
}

//! The agent as the API knows it: answers from the shared state, hands orders to the rounds and waits for their word.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::running::{Command, Running};
use super::scrape;
use crate::api::types::{Caller, Done, HistoryQuery, KeyOrigin, Order, Scrape};
use crate::api::{Agent, Answer, Refusal};
use crate::config;
use crate::ledger::{Entry, Query};
use crate::metrics::Filter;
use crate::round::Snapshot;

/// How long a person's order may take: a round and its steps.
const ORDER_LIMIT: Duration = Duration::from_secs(300);

impl Agent for Running {
    fn snapshot(&self) -> Arc<Snapshot> {
        Running::snapshot(self)
    }

    fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    fn metrics(&self, filter: Filter) -> Answer<'_, Result<Scrape, Refusal>> {
        Box::pin(async move { Ok(scrape::scrape(self, filter).await) })
    }

    fn history(&self, query: HistoryQuery) -> Answer<'_, Result<Vec<Entry>, Refusal>> {
        Box::pin(async move {
            let query = Query {
                since: query.since,
                project: query.project,
                keeper: query.keeper,
                kind: query.kind,
                after: query.after,
                limit: query.limit,
            };
            self.with_book(|book| book.history(&query)).map_err(|error| Refusal {
                code: "failed".to_owned(),
                text: format!("the ledger could not be read: {}", error.chain()),
                cure: "hostkeeper doctor".to_owned(),
            })
        })
    }

    fn order(&self, order: Order, by: Caller) -> Answer<'_, Result<Done, Refusal>> {
        Box::pin(async move {
            if !self.daemon {
                return Err(no_daemon());
            }
            let (reply, answer) = oneshot::channel();
            let command = Command { order, by, reply };
            self.orders.try_send(command).map_err(|_| busy("too many orders are waiting"))?;
            match tokio::time::timeout(ORDER_LIMIT, answer).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(busy("the agent is stopping")),
                Err(_) => Err(Refusal {
                    code: "timeout".to_owned(),
                    text: format!("no result within {} s; the order may still be under way", ORDER_LIMIT.as_secs()),
                    cure: "hostkeeper history".to_owned(),
                }),
            }
        })
    }

    fn config_key(&self, key: &str) -> Option<KeyOrigin> {
        let answer = config::explain(&self.loaded(), key).json;
        let word = |field: &str| answer.get(field).filter(|value| !value.is_null()).map(plain);
        Some(KeyOrigin { key: key.to_owned(), value: word("value")?, origin: word("origin")?, help: word("help") })
    }

    fn ready(&self) -> bool {
        *self.rounds.borrow() > 0
    }
}

/// A text without its quotes, anything else as JSON.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn busy(text: &str) -> Refusal {
    Refusal { code: "busy".to_owned(), text: text.to_owned(), cure: "try again in a moment".to_owned() }
}

fn no_daemon() -> Refusal {
    Refusal {
        code: "no_daemon".to_owned(),
        text: "no agent is running, and only a running agent changes anything".to_owned(),
        cure: "systemctl start hostkeeper (or: hostkeeper daemon)".to_owned(),
    }
}

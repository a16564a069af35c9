//! HTTP and JSON over the agent's Unix socket. Defines what it needs of the agent as a trait; the daemon and the one-off
//! look both answer it, so that every verb sees the same with and without a daemon.

mod answer;
pub mod audit;
pub mod cleans;
pub mod client;
mod doctor;
pub mod events;
mod explain;
pub mod families;
pub mod limits;
pub mod link;
mod looks;
pub mod orders;
pub mod request;
pub mod routes;
mod rows;
mod serve;
pub mod shapes;
mod shell;
pub mod storage;
pub mod stream;
pub mod types;
mod views;
pub mod wire;

#[cfg(test)]
pub(crate) mod tests;

pub use answer::answer;
pub use client::Client;
pub use request::{Method, Peer, Request, Response, Rights};
pub use serve::{Door, ServeOptions, serve};
pub use stream::{Event, Events};
pub use wire::ClientError;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::ledger::Entry;
use crate::metrics::Filter;
use crate::round::Snapshot;

/// A boxed future, so that the agent can be a trait object.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why the agent did not do as asked. `code` is a stable word (`blocked`, `not_found`, `failed`, `no_daemon`, …).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    pub code: String,
    pub text: String,
    /// What to do next.
    pub cure: String,
}

/// What the API asks of the agent.
pub trait Agent: Send + Sync {
    /// The outcome of the last round.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Tells when a new snapshot is there. The value is the round's number.
    fn rounds(&self) -> tokio::sync::watch::Receiver<u64>;

    /// The page of metrics, fresh to one second, with what each collector cost and gave.
    fn metrics(&self, filter: Filter) -> Answer<'_, Result<types::Scrape, Refusal>>;

    /// History that matches, newest first.
    fn history(&self, query: types::HistoryQuery) -> Answer<'_, Result<Vec<Entry>, Refusal>>;

    /// One of the changing orders. The caller has been authorised.
    fn order(&self, order: types::Order, by: types::Caller) -> Answer<'_, Result<types::Done, Refusal>>;

    /// Where a configuration key comes from: value and origin (`conf.d/athena.toml:7` or `default`).
    fn config_key(&self, key: &str) -> Option<types::KeyOrigin>;

    /// Whether it is alive and has made a round: `/readyz`.
    fn ready(&self) -> bool;
}

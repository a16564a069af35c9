//! The agent's memory: an SQLite journal of what it meant to do, what came of it, and what happened. Written before
//! acting and after. Imports only values; knows steps as recorded text.

mod journal;
mod past;

pub use journal::{Entry, Intent, Journal, Outcome, Unfinished};
pub use past::{Attempt, Past, TrialView};

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    pub what: String,
    #[source]
    pub source: Option<rusqlite::Error>,
}

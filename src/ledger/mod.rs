//! The agent's memory: an SQLite journal of what it meant to do, what came of it, and what happened. Written before
//! acting and after. Imports only values; knows steps as recorded text.

mod aside;
mod book;
mod error;
mod event;
mod history;
mod journal;
mod past;
mod place;
mod pools;
mod reader;
mod recall;
mod retain;
mod rows;
mod schema;
mod sqlite;
mod tear;
mod trials;

#[cfg(test)]
mod tests;

pub use aside::list_aside;
pub use book::{Book, Worry};
pub use error::{Error, Trouble};
pub use event::Event;
pub use history::Query;
pub use journal::{Entry, Intent, Journal, Outcome, Unfinished};
pub use past::{Attempt, Past, TrialView};
pub use pools::{Drained, Hurry, Notes, OpenMove, Operation, PoolsPast};
pub use reader::Reader;
pub use retain::{KEEP, MAX_BYTES};
pub use sqlite::Sqlite;
pub use tear::{Tear, parse_journal};
pub use trials::{EVICTION, PastUndo, Undo};

/// The ledger's name in the state directory. SQLite keeps `-wal` and `-shm` beside it.
pub const FILE: &str = "ledger.sqlite";

//! What the rounds and the API share: the last sights, the last snapshot, the ledger, the configuration in force.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::api::Refusal;
use crate::api::types::{Caller, Done, Order};
use crate::config::Loaded;
use crate::host::{Clock, Host};
use crate::ledger::{self, Book, Intent, Journal, Notes, Outcome, Past};
use crate::round::{SharedSeat, Sight, Snapshot};
use crate::values::Now;

/// Where an order is answered.
pub type Reply = oneshot::Sender<Result<Done, Refusal>>;

/// An order on its way to the rounds.
pub struct Command {
    pub order: Order,
    pub by: Caller,
    pub reply: Reply,
}

/// What one keeper saw, and when.
#[derive(Clone)]
pub struct Seen {
    pub sight: Arc<dyn Sight>,
    /// Time since boot.
    pub up: Duration,
}

/// The shared state. Locks are held for moments, never across a wait.
pub struct Running {
    pub clock: Clock,
    pub host: Mutex<Arc<Host>>,
    pub seats: Vec<SharedSeat>,
    pub orders: mpsc::Sender<Command>,
    pub rounds: watch::Sender<u64>,
    /// `None` in a one-off look.
    pub recorder: Option<PrometheusHandle>,
    pub sights: Mutex<BTreeMap<&'static str, Seen>>,
    pub snapshot: Mutex<Arc<Snapshot>>,
    pub loaded: Mutex<Arc<Loaded>>,
    pub book: Mutex<Book>,
    pub scrapes: Mutex<Scrapes>,
    pub daemon: bool,
}

/// What is counted over scrapes.
#[derive(Default)]
pub struct Scrapes {
    pub dropped_over_cap: u64,
    pub dropped_twice: u64,
    pub last_success: BTreeMap<String, Timestamp>,
}

/// A lock whose holder panicked is still good: all that it guards is replaced whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    pub fn loaded(&self) -> Arc<Loaded> {
        lock(&self.loaded).clone()
    }

    pub fn host(&self) -> Arc<Host> {
        lock(&self.host).clone()
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        lock(&self.snapshot).clone()
    }

    /// Works on the ledger. The disk may be slow: other tasks move away from this thread meanwhile.
    pub fn with_book<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        tokio::task::block_in_place(|| work(&mut lock(&self.book)))
    }
}

/// The ledger as the round needs it, locked per write.
pub struct SharedJournal<'a>(pub &'a Running);

impl Journal for SharedJournal<'_> {
    fn intend(&mut self, intent: &Intent, now: &Now) -> Result<i64, ledger::Error> {
        self.0.with_book(|book| book.intend(intent, now))
    }

    fn conclude(&mut self, intent: i64, outcome: &Outcome, now: &Now) -> Result<(), ledger::Error> {
        self.0.with_book(|book| book.conclude(intent, outcome, now))
    }

    fn record(&mut self, intent: i64, notes: &Notes, now: &Now) -> Result<(), ledger::Error> {
        self.0.with_book(|book| book.record(intent, notes, now))
    }

    fn past(&mut self, now: &Now) -> Result<Past, ledger::Error> {
        self.0.with_book(|book| book.past(now))
    }
}

//! How long the host has been short of memory. A task of its own looks every half second, and at each stall that the kernel
//! tells, and wakes a round when something is to be decided.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::Table;
use super::ladder::{Spans, is_at};
use crate::host::bell::Bell;
use crate::host::memory::{MemoryNow, Stalls, read_memory_now};
use crate::host::{Host, Roots};

/// Time between two looks.
const TICK: Duration = Duration::from_millis(500);
/// After a stall was told: more of them are not looked at one by one.
const PAUSE: Duration = Duration::from_millis(100);

/// What the last look found, and since when it has been so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    pub memory: MemoryNow,
    pub spans: Spans,
}

/// The running task. Ends when dropped.
#[derive(Debug)]
pub struct Gauge {
    table: Table,
    roots: Roots,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gauge {
    /// Begins to look. Needs a tokio runtime.
    pub fn start(table: &Table, host: &Host) -> Gauge {
        let state = Arc::new(Mutex::new(State::default()));
        look(&state, table, &host.roots);
        let task = tokio::spawn(watch(table.clone(), host.roots.clone(), Arc::clone(&state), host.bell.clone()));
        Gauge { table: table.clone(), roots: host.roots.clone(), state, task }
    }

    pub fn is_for(&self, table: &Table, roots: &Roots) -> bool {
        self.table == *table && self.roots == *roots
    }

    /// Looks now. `None`: the kernel does not say what is available.
    pub fn read(&self) -> Option<Reading> {
        look(&self.state, &self.table, &self.roots);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).reading(Instant::now())
    }
}

async fn watch(table: Table, roots: Roots, state: Arc<Mutex<State>>, bell: Bell) {
    let stalls = Stalls::open(&roots);
    loop {
        match &stalls {
            Some(stalls) if tokio::time::timeout(TICK, stalls.stalled()).await.is_ok() => {
                tokio::time::sleep(PAUSE).await;
            }
            Some(_) => {}
            None => tokio::time::sleep(TICK).await,
        }
        if look(&state, &table, &roots) {
            bell.ring();
        }
    }
}

/// Whether there is something to decide that there was not before.
fn look(state: &Mutex<State>, table: &Table, roots: &Roots) -> bool {
    let memory = read_memory_now(roots);
    state.lock().unwrap_or_else(PoisonError::into_inner).take(table, memory, Instant::now())
}

/// Since when each level has been reached.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    memory: Option<MemoryNow>,
    soft: Option<Instant>,
    hard: Option<Instant>,
    clear: Option<Instant>,
    /// Which of soft and hard had lasted long enough at the look before.
    held: (bool, bool),
}

impl State {
    fn take(&mut self, table: &Table, memory: Option<MemoryNow>, now: Instant) -> bool {
        self.memory = memory;
        let hard = memory.is_some_and(|memory| is_at(&memory, &table.hard));
        let soft = hard || memory.is_some_and(|memory| is_at(&memory, &table.soft));
        let since = |before: Option<Instant>, is_so: bool| is_so.then(|| before.unwrap_or(now));
        self.soft = since(self.soft, soft);
        self.hard = since(self.hard, hard);
        self.clear = since(self.clear, !soft && memory.is_some());
        let lasted = |since: Option<Instant>, hold: Duration| since.is_some_and(|since| now - since >= hold);
        let held = (lasted(self.soft, table.soft.hold.0), lasted(self.hard, table.hard.hold.0));
        std::mem::replace(&mut self.held, held) != held
    }

    fn reading(&self, now: Instant) -> Option<Reading> {
        let lasted = |since: Option<Instant>| since.map(|since| now.saturating_duration_since(since));
        let spans = Spans { soft: lasted(self.soft), hard: lasted(self.hard), clear: lasted(self.clear) };
        Some(Reading { memory: self.memory?, spans })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keepers::limits::pressure::tests::table;

    #[test]
    fn a_level_counts_from_when_it_was_reached_and_rings_when_it_has_lasted() {
        let (table, began) = (table(), Instant::now());
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        let have = |gib: u64| Some(MemoryNow { available: gib << 30, ..MemoryNow::default() });
        let mut state = State::default();
        assert!(!state.take(&table, have(9), at(0)), "all is well");
        assert!(!state.take(&table, have(1), at(1)), "hard, but only now");
        assert!(state.take(&table, have(1), at(11)), "hard for ten seconds");
        assert!(!state.take(&table, have(1), at(12)), "rung once");
        let spans = state.reading(at(12)).unwrap().spans;
        let seconds = |count: u64| Some(Duration::from_secs(count));
        assert_eq!((spans.hard, spans.soft, spans.clear), (seconds(11), seconds(11), None));
        assert!(state.take(&table, have(3), at(13)), "hard no more, soft still");
        assert_eq!(state.reading(at(13)).unwrap().spans, Spans { soft: seconds(12), hard: None, clear: None });
        assert!(state.take(&table, have(3), at(61)), "soft for a minute");
        assert!(state.take(&table, have(9), at(62)));
        assert_eq!(state.reading(at(70)).unwrap().spans, Spans { soft: None, hard: None, clear: seconds(8) });
        state.take(&table, None, at(71));
        assert_eq!(state.reading(at(71)), None, "what cannot be read is no reason for anything");
        assert_eq!((state.soft, state.clear), (None, None));
    }
}

//! How long the host has been short of memory. A task of its own looks every half second, and at each stall that the kernel
//! tells, and wakes a round when something is to be decided.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::Table;
use super::ladder::{Spans, is_at};
use crate::host::bell::Bell;
use crate::host::memory::{MemoryNow, Stalls, read_memory_now};
use crate::host::{Host, Roots};

/// Time between two looks.
const TICK: Duration = Duration::from_millis(500);
/// The last `pause` is remembered in so many parts.
const PARTS: u32 = 8;
/// After a stall was told: more of them are not looked at one by one.
const PAUSE: Duration = Duration::from_millis(100);

/// What the last look found, and since when it has been so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    pub memory: MemoryNow,
    /// The least that could be had within the last `pause`, bytes.
    pub lowest: u64,
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
#[derive(Clone, Debug, Default)]
struct State {
    memory: Option<MemoryNow>,
    soft: Option<Instant>,
    hard: Option<Instant>,
    clear: Option<Instant>,
    /// Which of soft and hard had lasted long enough at the look before.
    held: (bool, bool),
    /// The least that was available in each part of the last `pause`, and when that part began, oldest first.
    lows: VecDeque<(Instant, u64)>,
}

impl State {
    fn take(&mut self, table: &Table, memory: Option<MemoryNow>, now: Instant) -> bool {
        self.memory = memory;
        self.keep_low(table.pause.0, memory, now);
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

    fn keep_low(&mut self, pause: Duration, memory: Option<MemoryNow>, now: Instant) {
        let part = pause / PARTS;
        while self.lows.front().is_some_and(|(began, _)| now.saturating_duration_since(*began) > pause + part) {
            self.lows.pop_front();
        }
        let Some(available) = memory.map(|memory| memory.available) else { return };
        match self.lows.back_mut() {
            Some((began, low)) if now.saturating_duration_since(*began) < part => *low = available.min(*low),
            _ => self.lows.push_back((now, available)),
        }
    }

    fn reading(&self, now: Instant) -> Option<Reading> {
        let lasted = |since: Option<Instant>| since.map(|since| now.saturating_duration_since(since));
        let spans = Spans { soft: lasted(self.soft), hard: lasted(self.hard), clear: lasted(self.clear) };
        let memory = self.memory?;
        let lowest = self.lows.iter().map(|(_, low)| *low).min().unwrap_or(memory.available);
        Some(Reading { memory, lowest, spans })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keepers::limits::config::Tier;
    use crate::keepers::limits::pressure::ladder::{Candidate, Evicted, LastStop, Scene, Verdict, decide};
    use crate::keepers::limits::pressure::tests::{candidate, table};

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

    #[test]
    fn what_is_hard_is_soft_and_never_clear() {
        let mut table = table();
        table.soft.mem_available = crate::values::Bytes(2 << 30);
        let mut state = State::default();
        // Above both bounds of memory, and everybody waits for it.
        let stalled = MemoryNow { available: 5 << 29, psi_full_avg10: 50.0, ..MemoryNow::default() };
        state.take(&table, Some(stalled), Instant::now());
        assert_eq!((state.hard.is_some(), state.soft.is_some(), state.clear.is_some()), (true, true, false));
    }

    #[test]
    fn the_least_of_the_last_pause_is_known_and_no_more_than_that_is_kept() {
        let (table, began) = (table(), Instant::now());
        let mut state = State::default();
        let mut take = |second: u64, gib: u64| {
            let now = began + Duration::from_secs(second);
            state.take(&table, Some(MemoryNow { available: gib << 30, ..MemoryNow::default() }), now);
            (state.reading(now).unwrap().lowest >> 30, state.lows.len())
        };
        assert_eq!(take(0, 9), (9, 1));
        assert_eq!(take(1, 5).0, 5);
        for second in 2..600 {
            assert_eq!(take(second, 9).0, 5, "{second}");
        }
        let (lowest, kept) = take(700, 8);
        assert_eq!(lowest, 8, "ten minutes and a part of them later");
        assert!(kept <= 10, "{kept}");
    }

    /// Twenty minutes, second by second: somebody outside takes and gives back 1 GiB every `period` seconds. How often each
    /// of two containers of 2 GiB was stopped and started.
    fn play(period: u64) -> (u32, u32) {
        let (table, began) = (table(), Instant::now());
        let mut state = State::default();
        let (mut gone, mut stops, mut starts) = (Vec::<(u64, Evicted)>::new(), 0, 0);
        let mut last: Option<(u64, LastStop)> = None;
        for second in 0..1200 {
            let now = began + Duration::from_secs(second);
            let load = if (second / period).is_multiple_of(2) { 4 } else { 3 };
            let available = (5 - load + 2 * gone.len() as u64) << 30;
            state.take(&table, Some(MemoryNow { available, ..MemoryNow::default() }), now);
            let reading = state.reading(now).unwrap();
            let all = ["a", "b"].map(|id| candidate(id, Tier::Optional, 1, 2 << 30, 0));
            let candidates: Vec<Candidate> =
                all.into_iter().filter(|one| gone.iter().all(|(_, evicted)| evicted.target != one.target)).collect();
            let since = |at: u64| Duration::from_secs(second - at);
            let evicted: Vec<Evicted> =
                gone.iter().map(|(at, evicted)| Evicted { ago: since(*at), ..evicted.clone() }).collect();
            let verdict = decide(&Scene {
                table: &table,
                host: reading.memory,
                lowest: reading.lowest,
                spans: reading.spans,
                candidates: &candidates,
                last: last.map(|(at, last)| LastStop { ago: since(at), ..last }),
                evicted: &evicted,
                last_start_ago: None,
            });
            match verdict {
                Verdict::Stop(target) => {
                    stops += 1;
                    let others = (2 * (candidates.len() as u64 - 1)) << 30;
                    let stop = LastStop {
                        ago: Duration::ZERO,
                        available_before: available,
                        freed: 2 << 30,
                        others_before: others,
                        others_now: others,
                    };
                    last = Some((second, stop));
                    gone.push((second, Evicted { target, needed: 2 << 30, ago: Duration::ZERO, flaps: false }));
                }
                Verdict::Start(target) => {
                    starts += 1;
                    gone.retain(|(_, evicted)| evicted.target != target);
                }
                Verdict::Wait | Verdict::Alert(_) => {}
            }
        }
        (stops, starts)
    }

    #[test]
    fn a_shortage_that_comes_and_goes_for_twenty_minutes_stops_one() {
        for period in [1, 5, 9, 10, 11, 20, 60, 90] {
            let (stops, starts) = play(period);
            let wanted = if period <= 10 { 0 } else { 1 };
            assert!(stops <= 1 && starts == 0, "every {period} s: {stops} stops, {starts} starts");
            assert!(stops >= wanted, "every {period} s: {stops} stops");
        }
    }
}

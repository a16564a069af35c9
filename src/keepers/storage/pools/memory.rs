//! What is remembered of one pool: last counts, what was moved since, which files were refused lately.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::act::Answer;
use super::moving::{End, Partial};
use super::seen::{Clash, Refused, Totals};
use super::step::{Item, Order};
use super::walk::Count;
use super::watch::Watch;
use crate::host::Error;
use crate::host::patience::Waiting;
use crate::ledger::{Notes, Operation};

/// How long a file is left alone that was open, whose name was taken, or that cannot be moved.
const OPEN: Duration = Duration::from_secs(30);
const CLASH: Duration = Duration::from_secs(600);
/// Most refused files that are remembered.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub struct Memory {
    pub members: BTreeMap<String, MemberMemory>,
    /// By member and file: how it ended, where it should have gone, and until when it is left alone.
    refused: BTreeMap<(String, String), (End, String, Duration)>,
    /// By member and file: moved by orders that failed later on. Settling finds them again, and they count once.
    told: BTreeSet<(String, String)>,
    pub hook_trouble: Option<String>,
    pub partial: Option<Partial>,
    pub last_balanced: Option<Timestamp>,
    pub totals: Totals,
}

#[derive(Debug, Default)]
pub struct MemberMemory {
    pub counted: Option<Counted>,
    pub under_way: Option<UnderWay>,
    pub trouble: Option<String>,
    /// When counting last failed, time since boot.
    pub tried: Option<Duration>,
}

/// A count, when it was made (time since boot and wall clock), and how long it took.
#[derive(Debug)]
pub struct Counted {
    pub count: Count,
    pub up: Duration,
    pub at: Timestamp,
    pub took: Duration,
}

#[derive(Debug)]
pub struct UnderWay {
    pub waiting: Waiting<Result<(Count, Duration), Error>>,
    /// Only candidates are looked for.
    pub partial: bool,
    pub since: Duration,
}

impl MemberMemory {
    /// Whether it is being counted for the first time.
    pub fn is_first(&self) -> bool {
        self.counted.is_none() && self.under_way.is_some()
    }

    /// Whether to count now; `Some(true)`: only to find further candidates.
    pub fn is_due(&self, up: Duration, pace: Duration) -> Option<bool> {
        if self.under_way.is_some() {
            return None;
        }
        let old = |then: Duration| up.saturating_sub(then) >= pace || up < then;
        match &self.counted {
            _ if self.trouble.is_some() => self.tried.is_none_or(old).then_some(false),
            None => Some(false),
            Some(counted) if old(counted.up) => Some(false),
            Some(counted) => (counted.count.kept.is_empty() && counted.count.movable > 0).then_some(true),
        }
    }
}

impl Memory {
    /// Lets go of refusals that are over.
    pub fn forget(&mut self, up: Duration) {
        self.refused.retain(|_, (_, _, until)| *until > up);
    }

    pub fn refused_names(&self, dir: &str) -> BTreeSet<String> {
        self.refused.keys().filter(|(member, _)| member == dir).map(|(_, file)| file.clone()).collect()
    }

    /// The copy that is carried from order to order.
    pub fn copying(&self) -> Option<String> {
        self.partial.as_ref().map(|partial| {
            let (below, _) = partial.item.parts();
            let name = partial.item.copy_name();
            if below.is_empty() { name } else { format!("{below}/{name}") }
        })
    }

    /// Refusals by member, and one clash.
    pub fn refusals(&self) -> (BTreeMap<String, Refused>, Option<Clash>) {
        let mut refused: BTreeMap<String, Refused> = BTreeMap::new();
        let mut clash = None;
        for ((member, file), (end, target, _)) in &self.refused {
            let count = refused.entry(member.clone()).or_default();
            match end {
                End::Clash => {
                    count.clash += 1;
                    clash.get_or_insert_with(|| (file.clone(), member.clone(), target.clone()));
                }
                End::Open => count.open += 1,
                _ => count.other += 1,
            }
        }
        (refused, clash)
    }

    fn refuse(&mut self, (from, to): (&str, &str), item: &Item, end: &End, up: Duration) {
        let rest = match end {
            End::Open => OPEN,
            End::Clash | End::Refused(_) => CLASH,
            End::Moved | End::Later | End::Changed | End::Vanished => return,
        };
        if self.refused.len() < MOST {
            self.refused.insert((from.to_owned(), item.name.clone()), (end.clone(), to.to_owned(), up + rest));
        }
    }

    /// Lets go of what was told already when its order failed; remembers what is told of one that fails now.
    fn tell_once(&mut self, from: &str, order: &Order, answer: &mut Answer) {
        let key = |item: &Item| (from.to_owned(), item.name.clone());
        match order {
            Order::SettleMoves { .. } => answer.ends.retain(|(item, _)| !self.told.remove(&key(item))),
            _ if answer.trouble.is_some() => {
                let moved = answer.ends.iter().filter(|(_, end)| *end == End::Moved);
                self.told.extend(moved.map(|(item, _)| key(item)));
            }
            _ => {}
        }
    }

    /// Takes what was moved into the last counts; a count that is under way would know half of it.
    fn shift(&mut self, from: &str, to: &str, ends: &[(Item, End)]) {
        for dir in [from, to] {
            if let Some(member) = self.members.get_mut(dir) {
                member.under_way = None;
            }
        }
        let moved = || ends.iter().filter(|(_, end)| *end == End::Moved);
        let (files, bytes) = (moved().count() as u64, moved().map(|(item, _)| item.size).sum::<u64>());
        if let Some(counted) = self.members.get_mut(from).and_then(|member| member.counted.as_mut()) {
            counted.count.young += ends.iter().filter(|(_, end)| *end == End::Changed).count() as u64;
            let done: BTreeSet<&Item> =
                ends.iter().filter(|(_, end)| *end != End::Later).map(|(item, _)| item).collect();
            counted.count.kept.retain(|item| !done.contains(item));
            counted.count.movable = counted.count.movable.saturating_sub(done.len() as u64);
            counted.count.files = counted.count.files.saturating_sub(files);
            counted.count.bytes = counted.count.bytes.saturating_sub(bytes);
        }
        if let Some(counted) = self.members.get_mut(to).and_then(|member| member.counted.as_mut()) {
            counted.count.files += files;
            counted.count.bytes += bytes;
            // Young there, as the file system sees it.
            counted.count.young += files;
        }
    }
}

/// The word of an end, and why.
fn word(end: &End) -> (&'static str, Option<String>) {
    match end {
        End::Moved => ("moved", None),
        End::Clash => ("clash", Some("its name is taken in the target".into())),
        End::Open => ("open", Some("somebody has it open".into())),
        End::Changed => ("changed", Some("it was changed meanwhile".into())),
        End::Vanished | End::Later => ("vanished", Some("it was removed meanwhile".into())),
        End::Refused(why) => ("refused", Some(why.clone())),
    }
}

impl Watch {
    /// Takes what came of an order into the memory, the counters and the notes for the ledger.
    pub fn learn(&mut self, order: &Order, answer: &mut Answer) {
        let (up, key) = (self.up, order.pool().key());
        let memory = self.pools.entry(key).or_default();
        memory.partial = answer.partial.take();
        if let Some(told) = answer.hook.take() {
            memory.hook_trouble = told.err();
        }
        match order {
            Order::MoveFiles { from, to, .. } | Order::SettleMoves { from, to, .. } => {
                memory.tell_once(&from.dir, order, answer);
                memory.shift(&from.dir, &to.dir, &answer.ends);
                let mut operations = Vec::new();
                for (item, end) in answer.ends.iter().filter(|(_, end)| *end != End::Later) {
                    memory.refuse((&from.dir, &to.dir), item, end, up);
                    let (outcome, why) = word(end);
                    *memory.totals.files.entry(outcome).or_default() += 1;
                    if *end == End::Moved {
                        memory.totals.bytes = memory.totals.bytes.saturating_add(item.size);
                    }
                    operations.push(Operation {
                        file: item.name.clone(),
                        source: from.dir.clone(),
                        target: to.dir.clone(),
                        bytes: item.size,
                        outcome: outcome.to_owned(),
                        why,
                    });
                }
                let settled = match order {
                    Order::SettleMoves { intent, .. } if answer.trouble.is_none() => Some(*intent),
                    _ => None,
                };
                self.notes = Notes { operations, settled };
            }
            // Counted anew at the next look.
            _ => memory.members.clear(),
        }
    }

    /// After an order without an answer nothing is known of its pool.
    pub fn forget(&mut self, order: &Order) {
        if let Some(memory) = self.pools.get_mut(&order.pool().key()) {
            memory.members.clear();
            memory.partial = None;
        }
    }
}
